"""The New job form: good input becomes a job, bad input comes back whole with a sentence per field."""

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job

NEW = "/jobs/new/"
GOOD = {
    "name": "Wing",
    "command": "hostname\necho 'a \"quoted\" line' 日本語",
    "core_type": "emerald",
    "cores_per_slot": "4",
    "slots": "2",
    "walltime": "1.5",
}


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_save_keeps_the_job_and_save_and_submit_starts_it(page: Client) -> None:
    page.post(NEW, {**GOOD, "save": "1"})
    saved = Job.objects.get()
    assert (saved.submitted_at, saved.slots, saved.cores) == (None, 2, 8)
    answer = page.post(NEW, {**GOOD, "submit": "1"})
    submitted = Job.objects.exclude(pk=saved.pk).get()
    assert submitted.submitted_at is not None
    assert answer["Location"] == f"/jobs/{submitted.pk}/"


def test_the_command_arrives_as_it_was_written(page: Client) -> None:
    page.post(NEW, {**GOOD, "command": GOOD["command"].replace("\n", "\r\n")})
    assert Job.objects.get().command == GOOD["command"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "Give the job a name."),
        ({"command": ""}, "Say which command to run."),
        ({"command": "a\0b"}, "control characters"),
        ({"command": "x" * 300_000}, "at most 256 kB"),
        ({"core_type": "no-such"}, "There is no such core type."),
        ({"cores_per_slot": "7"}, "has no slot of that many cores"),
        ({"cores_per_slot": "four"}, "has no slot of that many cores"),
        ({"slots": "0"}, "whole number from 1 to"),
        ({"slots": "5000"}, "whole number from 1 to"),
        ({"slots": "1.5"}, "whole number from 1 to"),
        ({"slots": ""}, "whole number from 1 to"),
        ({"slots": "9" * 5000}, "whole number from 1 to"),
        ({"walltime": "-1"}, "Walltime must be more than 0"),
        ({"walltime": "nan"}, "Walltime must be more than 0"),
        ({"walltime": "an hour"}, "Walltime must be more than 0"),
    ],
)
def test_bad_input_comes_back_with_a_sentence_and_nothing_lost(
    page: Client, change: dict[str, str], sentence: str
) -> None:
    answer = page.post(NEW, {**GOOD, **change, "submit": "1"})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in html
    assert ('aria-describedby="core-type-error"' if "core_type" in change else 'aria-invalid="true"') in html
    assert not Job.objects.exists()
    for name, value in {**GOOD, **change}.items():
        assert answer.context["values"][name] == value


def test_every_wrong_field_is_named_at_once(page: Client) -> None:
    answer = page.post(NEW, {**GOOD, "name": "", "slots": "0", "walltime": "-1"})
    assert set(answer.context["errors"]) == {"name", "slots", "walltime"}
    assert "3 fields need a change" in answer.content.decode()


def test_a_hundred_kilobytes_of_command_are_fine(page: Client) -> None:
    command = "echo " + "ä" * 50_000
    page.post(NEW, {**GOOD, "command": command})
    assert Job.objects.get().command == command


def test_the_page_says_when_no_key_is_saved(page: Client) -> None:
    html = page.get(NEW).content.decode()
    assert "add an SSH key and allow your address 127.0.0.1" in html and "Add a key" in html
