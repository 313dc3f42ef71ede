"""`make run` works with the settings that a deployment has: hosts and HTTPS do not keep nodes and probes out."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from portal.embedded import requested_settings
from portal.embedded.options import CannotStart
from tests.stack import Stack, running
from tests.waiting import LIMIT, wait_for

HTTPS = {"HEADNODE_HTTPS": "1", "HEADNODE_TRUSTED_PROXIES": "127.0.0.1"}
JOB = {
    "name": "one core",
    "jobanalyses": [
        {
            "analysis": {"code": "user_included", "version": "0"},
            "command": "echo done",
            "hardware": {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1},
        }
    ],
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Return a redirect as it is."""

    def redirect_request(self, *arguments: Any) -> None:
        """Do not follow."""


def call(stack: Stack, token: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    """Send one request, a POST if it has a body; return status and content."""
    request = urllib.request.Request(
        stack.base_url.rstrip("/") + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Token {token}", "Content-Type": "application/json"} | headers,
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=LIMIT) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def complete_a_job(stack: Stack, **headers: str) -> None:
    """Submit a job of one core through the API, and wait until it has succeeded."""
    token = stack.manage("shell", "-v0", "-c", MAKE_TOKEN).strip().splitlines()[-1]
    status, content = call(stack, token, "/api/v2/jobs/", JOB, **headers)
    assert status == 201, content
    job = json.loads(content)["id"]
    assert call(stack, token, f"/api/v2/jobs/{job}/submit/", {}, **headers)[0] == 200

    def reason() -> str:
        page = json.loads(call(stack, token, f"/api/v2/jobs/{job}/statuses/", **headers)[1])
        newest = page["results"][0]
        return (
            str(newest["statusReason"])
            if newest["status"] in ("Completed", "Failed", "Force Stopped")
            else ""
        )

    assert wait_for(reason, f"job {job} ends", 2 * LIMIT, every=0.2) == "Completed successfully"


MAKE_TOKEN = """
from accounts.models import User
from tests.factories import token_of
print(token_of(User.objects.get(username="admin")))
"""


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"HEADNODE_ALLOWED_HOSTS": "headnode.example.org"}, {"Host": "headnode.example.org"}),
        (
            HTTPS | {"HEADNODE_ALLOWED_HOSTS": "headnode.example.org", "HEADNODE_HOST": "0.0.0.0"},
            {"Host": "headnode.example.org", "X-Forwarded-Proto": "https"},
        ),
    ],
    ids=["hosts", "hosts and https, on every address"],
)
def test_a_portal_with_the_settings_of_a_deployment_runs_jobs(
    tmp_path: Path, environ: dict[str, str], headers: dict[str, str]
) -> None:
    with running(tmp_path / "var", **environ) as stack:
        assert call(stack, "", "/readyz")[0] == 200
        assert call(stack, "", "/accounts/login/", **headers)[0] == 200
        assert call(stack, "", "/accounts/login/", **headers | {"Host": "evil.example.org"})[0] == 400
        if "HEADNODE_HTTPS" in environ:
            assert call(stack, "", "/accounts/login/")[0] == 301
        complete_a_job(stack, **headers)


@pytest.mark.acceptance
def test_https_alone_starts_and_says_that_pages_redirect_without_end(tmp_path: Path) -> None:
    var = tmp_path / "with space #1"
    with running(var, HEADNODE_HTTPS="1", HEADNODE_GATEWAYS="g1", HEADNODE_GATEWAY_NAME="g1") as stack:
        text = stack.log.read_text()
        assert "Warning: HEADNODE_TRUSTED_PROXIES is not set" in text
        assert "HEADNODE_GATEWAYS is determined by `make run`; HEADNODE_GATEWAYS=g1 is not used" in text
        assert call(stack, "", "/accounts/login/")[0] == 301
        assert (var / "db.sqlite3").exists()


def test_what_make_run_determines_is_not_judged() -> None:
    environ = {"HEADNODE_GATEWAY_NAME": "not one of them", "HEADNODE_DEMO": "perhaps", "PATH": "/bin"}
    assert requested_settings.without_determined(environ) == {"PATH": "/bin"}
    assert requested_settings.read_settings(environ)["HEADNODE_PORT"] == 8000


def test_all_wrong_settings_are_one_refusal() -> None:
    with pytest.raises(CannotStart) as refused:
        requested_settings.read_settings({"HEADNODE_PORT": "x", "HEADNODE_SIMULATOR_SEED": "x"})
    assert len(str(refused.value).splitlines()) == 2
