"""A client program written for Rescale, request by request, against the whole portal.

The flow is that of a published client: only its base URL and token are changed.
"""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.stack import Stack
from tests.waiting import LIMIT, wait_for

TERMINAL = ("completed", "force_stop")


class Client:
    """A client as such programs have it: `requests`, a header, every page of a list."""

    def __init__(self, stack: Stack) -> None:
        self.endpoint = stack.base_url + "api/v2/"
        credentials = {"username": stack.admin_name, "password": stack.admin_password}
        answer = requests.post(stack.base_url + "api-token-auth/", json=credentials, timeout=LIMIT)
        self.headers = {"Authorization": f"Token {answer.json()['token']}"}

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return requests.request(method, self.endpoint + path, headers=headers, timeout=LIMIT, **more)

    def pages(self, path: str) -> list[dict[str, Any]]:
        answer = self.call("GET", path, headers={"Content-Type": "application/json"})
        answer.raise_for_status()
        page = answer.json()
        results: list[dict[str, Any]] = page["results"]
        while page.get("next"):
            page = requests.get(page["next"], headers=self.headers, timeout=LIMIT).json()
            results.extend(page["results"])
        return results


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack)


def test_from_upload_to_results(client: Client, tmp_path: Path) -> None:
    assert client.call("GET", "").status_code != 401
    [software] = [row for row in client.pages("analyses/") if row["code"] == "user_included"]
    cheapest = min(client.pages("coretypes/"), key=lambda row: float(row["price"]))

    (tmp_path / "case.txt").write_text("input")
    with (tmp_path / "case.txt").open("rb") as file:
        # The odd third part is what the client sends: a header `Content-Type: {'type_id': 1}`.
        upload = client.call("POST", "files/contents/", files={"file": ("case.txt", file, {"type_id": 1})})  # type: ignore[arg-type]  # see above
    body = {
        "name": "flow",
        "jobanalyses": [
            {
                "analysis": {"code": "user_included", "version": software["versions"][0]["versionCode"]},
                "command": "echo hello > out.txt; echo done",
                "hardware": {"coreType": cheapest["code"], "coresPerSlot": 1, "cores": 1, "walltime": 48},
                "inputFiles": [{"id": upload.json()["id"]}],
                "useRescaleLicense": False,
                "userDefinedLicenseSettings": {"featureSets": []},
            }
        ],
    }
    job_id = client.call("POST", "jobs/", json=body).json()["id"]
    assert client.call("PATCH", f"jobs/{job_id}/", json={"projectId": "p"}).json()["projectId"] == "p"
    submitted = client.call("POST", f"jobs/{job_id}/submit/", headers={"Content-Type": "application/json"})
    assert (submitted.status_code, submitted.content) == (200, b"")

    def newest() -> dict[str, Any] | None:
        row = client.pages(f"jobs/{job_id}/statuses/")[0]
        return row if row["status"].lower() in TERMINAL else None

    assert wait_for(newest, "the job is completed", every=0.3)["statusReason"] == "Completed successfully"
    files = {
        file["relativePath"].rpartition("/")[2]: file["id"] for file in client.pages(f"jobs/{job_id}/files/")
    }
    assert client.call("GET", f"files/{files['out.txt']}/contents/").content == b"hello\n"
    assert b"done" in client.call("GET", f"files/{files['process_output.log']}/contents/").content
    part = client.call("GET", f"files/{files['out.txt']}/contents/", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"ell")
    assert client.call("GET", f"jobs/{job_id}/").json()["outcome"] == "succeeded"

    assert client.call("POST", f"jobs/{job_id}/stop/").status_code == 202
    wait_for(
        lambda: client.pages(f"jobs/{job_id}/cluster_statuses/")[0]["status"] == "Stopped",
        "the cluster is gone",
        60,
    )
    assert client.call("DELETE", f"jobs/{job_id}/").status_code == 204
    assert client.call("GET", f"files/{files['out.txt']}/").status_code == 404


@pytest.mark.parametrize("path", ["jobs", "coretypes?page=1", "users/me"])
def test_a_missing_slash_is_put_there_and_the_token_goes_along(client: Client, path: str) -> None:
    answer = client.call("GET", path)

    assert answer.status_code == 200
    assert [step.status_code for step in answer.history] == [301]


def test_a_large_file_goes_up_and_comes_down(client: Client, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096 * 8
    upload = client.call("PUT", "files/contents/", files={"file": ("big.bin", content)})

    assert upload.status_code == 201
    url = upload.json()["downloadUrl"]
    assert requests.get(url, headers=client.headers, timeout=LIMIT).content == content
    assert requests.head(url, headers=client.headers, timeout=LIMIT).headers["Content-Length"] == str(
        len(content)
    )
    assert requests.get(url, timeout=LIMIT).status_code == 401


def test_a_page_that_is_not_there_is_json(client: Client) -> None:
    answer = client.call("GET", "no-such/thing/")

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
