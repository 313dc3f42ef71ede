"""The wheel of the command line, as the portal builds and serves it."""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal import cli_wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is built, once for the tests that only read it."""
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(autouse=True)
def _one_build(built: Path, settings: Any) -> None:
    settings.VAR = built


def test_the_wheel_has_the_command_line_and_nothing_else() -> None:
    with zipfile.ZipFile(cli_wheel.wheel()) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(f"headnode-{cli_wheel.version()}.dist-info/METADATA").decode()
    assert {name.partition("/")[0] for name in names} == {
        "headnode_cli",
        f"headnode-{cli_wheel.version()}.dist-info",
    }
    assert not [name for name in names if "__pycache__" in name]
    assert "Requires-Python: >=3.9" in metadata
    assert "django" not in metadata.lower()


def test_it_is_built_once_and_again_when_the_source_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    settings.VAR = tmp_path
    first = cli_wheel.wheel()
    stamp = first.stat().st_mtime_ns
    assert cli_wheel.wheel() == first
    assert first.stat().st_mtime_ns == stamp
    monkeypatch.setattr(cli_wheel, "_digest", lambda: "another")
    second = cli_wheel.wheel()
    assert second != first
    assert second.exists()
    assert not first.exists()
    assert sorted(path.name for path in (tmp_path / "cli").iterdir()) == ["another"]


def test_the_latest_leads_to_the_wheel(client: Client) -> None:
    answer = client.get("/cli/headnode-latest.whl")
    assert answer.status_code == 302
    followed = client.get(answer["Location"])
    assert b"".join(followed) == cli_wheel.wheel().read_bytes()  # type: ignore[arg-type]  # a streaming response
    assert client.get("/cli/version/").json() == {
        "version": cli_wheel.version(),
        "wheel": cli_wheel.wheel_name(),
    }
    assert client.get("/cli/headnode-9.9.9-py3-none-any.whl").status_code == 404
    assert client.get("/cli/..%2Fsettings.py").status_code == 404


def test_the_archive_holds_the_same_wheel(client: Client) -> None:
    content = client.get("/cli/headnode-latest.tar.gz").content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile(f"headnode-{cli_wheel.version()}/{cli_wheel.wheel_name()}")
        assert member is not None
        assert member.read() == cli_wheel.wheel().read_bytes()


@pytest.mark.django_db
def test_the_page_says_how_to_install_and_sign_in_to_everyone(client: Client) -> None:
    text = client.get("/cli/", headers={"host": "testserver"}).content.decode()
    assert "pipx install http://testserver/cli/headnode-latest.tar.gz" in text
    assert "uv tool install http://testserver/cli/headnode-latest.tar.gz" in text
    assert "headnode login http://testserver" in text


@pytest.mark.django_db
def test_every_answer_of_the_api_says_the_version(client: Client) -> None:
    assert client.get("/api/v2/users/me/")["Headnode-Version"] == cli_wheel.version()
    assert "Headnode-Version" not in client.get("/cli/")


def test_a_build_that_fails_is_503_and_a_sentence(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    settings.VAR = tmp_path

    def fail(*_: object, **__: object) -> Any:
        return subprocess.CompletedProcess([], 1, "", "no such thing")

    monkeypatch.setattr(subprocess, "run", fail)
    answer = client.get("/cli/headnode-latest.tar.gz")
    assert answer.status_code == 503
    assert b"log says why" in answer.content
