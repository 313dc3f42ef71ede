"""Launch a cluster: nothing starts that was not looked at, nothing typed is lost, every problem stands by its line."""

import re
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.definitions import launching
from jobs.definitions.samples import samples
from jobs.models import Cluster, CoreType, Job
from tests.jobs.definitions.catalogue import HEAD

pytestmark = pytest.mark.django_db
PAGE = "/clusters/launch/"
CHECK = "/clusters/launch/check/"
MIXED = HEAD + '[[members]]\nprefix = "compute"\ncount = 3\ncore_type = "onyx"\ncores = 2\n'


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def digest(html: str) -> str:
    found = re.search(r'name="checked" value="([0-9a-f]{64})"', html)
    assert found is not None
    return found.group(1)


def test_what_will_be_launched_and_costs_is_shown_before(page: Client) -> None:
    html = page.post(PAGE, {"definition": MIXED, "check": "1"}).content.decode()
    assert "4 nodes, 7 cores" in html
    assert "USD 0.56" in html  # 0.05 + 6 x 0.085
    assert "USD 1.12" in html  # for its two hours
    assert "Launch 4 nodes" in html
    assert not Job.objects.exists()


def test_what_was_looked_at_is_launched(page: Client, alice: User) -> None:
    sent = MIXED.replace("\n", "\r\n")  # as forms send it
    looked_at = digest(page.post(CHECK, {"definition": sent}).content.decode())
    answer = page.post(PAGE, {"definition": sent, "launch": "1", "checked": looked_at})
    cluster = Cluster.objects.get()
    assert answer["Location"] == f"/jobs/{cluster.job_id}/"
    assert (cluster.handle, cluster.owner, cluster.definition.text) == ("cluster-001", alice, MIXED)


@pytest.mark.parametrize("checked", ["", "0" * 64, None])
def test_what_was_not_looked_at_is_shown_first(page: Client, checked: str | None) -> None:
    sent = {"definition": MIXED, "launch": "1"} | ({} if checked is None else {"checked": checked})
    answer = page.post(PAGE, sent)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Nothing was launched yet" in html
    assert not Job.objects.exists()
    page.post(PAGE, {"definition": MIXED, "launch": "1", "checked": digest(html)})
    assert Job.objects.count() == 1


def test_what_is_not_on_offer_any_more_is_not_launched(page: Client) -> None:
    looked_at = digest(page.post(CHECK, {"definition": MIXED}).content.decode())
    CoreType.objects.filter(code="onyx").update(is_active=False)
    answer = page.post(PAGE, {"definition": MIXED, "launch": "1", "checked": looked_at})
    assert answer.status_code == 400
    assert "there is no core type" in answer.content.decode()
    assert not Job.objects.exists()


def test_problems_stand_by_their_lines_and_the_text_stays(page: Client) -> None:
    text = MIXED.replace("onyx", "onix").replace("hours = 2", "hours = <b>")
    for path in (PAGE, CHECK):
        html = page.post(path, {"definition": text, "launch": "1"}).content.decode()
        assert 'data-go-to-line="2"' in html
        assert "this is not TOML" in html
    assert "hours = &lt;b&gt;" in page.post(PAGE, {"definition": text}).content.decode()
    text = text.replace("<b>", "1000")
    answer = page.post(PAGE, {"definition": text, "launch": "1"})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "2 things to change" in html
    assert 'data-problem-lines="2 10 "' in html
    assert "members[1].core_type" in html
    assert answer.context["text"] == text
    assert 'aria-invalid="true"' in html


def test_a_file_is_taken_and_shown(page: Client) -> None:
    file = SimpleUploadedFile("x.toml", MIXED.encode())
    answer = page.post(PAGE, {"definition": "", "file": file, "check": "1"})
    assert answer.context["text"] == MIXED
    assert "4 nodes, 7 cores" in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "this is not text in UTF-8"),
        (b"#" * 1024 * 1024, "The definition is longer than 256 kB"),
        (b"", "The definition is empty"),
        (b"a = '\0'", "there is a NUL byte here"),
    ],
)
def test_a_file_that_is_none_is_refused_and_the_text_stays(
    page: Client, content: bytes, sentence: str
) -> None:
    file = SimpleUploadedFile("x.toml", content)
    answer = page.post(PAGE, {"definition": "# my text", "file": file, "launch": "1"})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()


@pytest.mark.parametrize("text", ["a = '\0'", "[" * 100_000, "x" * 300_000, "\udcff", "="])
def test_garbage_is_answered_with_a_sentence(page: Client, text: str) -> None:
    sent = urlencode({"definition": text}, errors="surrogatepass")
    form = "application/x-www-form-urlencoded"
    assert page.post(PAGE, sent, content_type=form).status_code == 400
    assert "to change" in page.post(CHECK, sent, content_type=form).content.decode()


def test_an_empty_text_is_no_mistake_yet(page: Client) -> None:
    html = page.post(CHECK, {"definition": " \n"}).content.decode()
    assert "Choose a sample, paste a definition" in html


def test_every_sample_can_be_chosen_without_a_script(page: Client) -> None:
    assert {sample.name for sample in samples()} >= {"one-head", "mpi-mixed"}
    for sample in samples():
        assert sample.about
        answer = page.get(f"{PAGE}?sample={sample.name}")
        assert answer.context["text"] == sample.text
        assert f'href="?sample={sample.name}"' in answer.content.decode()
    assert page.get(f"{PAGE}?sample=../../etc/passwd").context["text"] == ""


def test_a_cluster_is_launched_again_by_its_owner_only(page: Client, alice: User, bob: User) -> None:
    launching.launch_cluster(SYSTEM, alice, MIXED)
    launching.launch_cluster(SYSTEM, bob, HEAD)
    launching.launch_cluster(SYSTEM, bob, HEAD)
    assert page.get(f"{PAGE}?again=cluster-001").context["text"] == MIXED
    assert page.get(f"{PAGE}?again=cluster-002").status_code == 404
    assert page.get(f"{PAGE}?again=%00").status_code == 404


@pytest.mark.parametrize("path", [PAGE, CHECK, "/clusters/"])
def test_nobody_gets_in_without_signing_in(client: Client, path: str) -> None:
    answer = client.post(path) if path == CHECK else client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
