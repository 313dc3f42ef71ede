"""The command of a job calls the API with the key in its environment: about its own job, and until the job ends."""

import io
import json
import os
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack

pytestmark = pytest.mark.acceptance

# What runs on the node: the standard library alone. It says what it found, and prints its key, as people do.
PROGRAM = r"""
import glob, json, os, urllib.error, urllib.request
base, key, job = (os.environ[name] for name in ("RESCALE_API_BASE_URL", "RESCALE_API_KEY", "RESCALE_JOB_ID"))
PLACES = ("", "metrics", "readyz", "accounts/login/", "api/v2/../../metrics", "api/v2/%2e%2e/%2e%2e/metrics")
def call(path, method="GET", data=None, below="/api/v2/", **headers):
    headers = {"Authorization": "Token " + key, **headers}
    request = urllib.request.Request(base + below + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
def has_key(path):
    try:
        with open(path, "rb") as file:
            return key.encode() in file.read()
    except OSError:
        return False
head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="restart.dat"\r\n\r\n'
sent = call("files/contents/", "POST", head + b"42\r\n--b--\r\n", **{"Content-Type": "multipart/form-data; boundary=b"})
file = json.loads(sent[1])["id"]
print("FOUND " + json.dumps({
    "own": [call("jobs/" + job + "/" + what)[0] for what in ("", "statuses/", "events/", "tags/")],
    "input": call("files/INPUT/contents/")[1].decode(),
    "sent": [sent[0], call("files/" + file + "/contents/")[1].decode()],
    "other": [call(path)[0] for path in ("jobs/OTHER/", "files/THEIRS/", "jobs/", "users/me/", "users/me/ssh-keys/")],
    "stop": call("jobs/" + job + "/stop/", "POST", b"")[0],
    "door": [call(path, below="/")[0] for path in PLACES]
        + [call("users/me/", Authorization="Token " + token)[0] for token in ("hn_x", key.replace("_", "_x", 1), "")],
    "argv": [path for path in glob.glob("/proc/[0-9]*/cmdline") if has_key(path)],
    "mode": oct(os.stat(os.path.expanduser("~/.headnode/steps.json")).st_mode & 0o777),
}))
print("my key is " + key)
with open("kept-key.txt", "w") as kept:
    kept.write(key)
"""


def uploaded(person: Person, content: bytes) -> str:
    """Upload a file; return its id."""
    answer = httpx.post(
        f"{person.stack.base_url}api/v2/files/contents/",
        headers={"Authorization": f"Token {person.token}"},
        files={"file": ("case.dat", content)},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def context_report(person: Person, job: str) -> bytes:
    """The content of all files in the job's context report."""
    answer = httpx.get(
        f"{person.stack.base_url}api/v2/jobs/{job}/context-report/",
        headers={"Authorization": f"Token {person.token}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def files_with(var: Path, text: str) -> list[str]:
    """The files of a portal that have this text, of those that people did not store there."""
    found = []
    for folder, names, files in os.walk(var):
        names[:] = [name for name in names if name not in ("files", "uploads")]
        paths = [Path(folder, name) for name in files]
        found += [str(path) for path in paths if path.is_file() and text.encode() in path.read_bytes()]
    return found


def test_a_command_calls_the_api_about_its_job_until_it_ends(stack: Stack) -> None:
    person = with_token(stack)
    given, theirs = uploaded(person, b"mesh"), uploaded(person, b"other")
    other = person.submit("true", name="other")
    program = PROGRAM.replace("INPUT", given).replace("OTHER", other).replace("THEIRS", theirs)
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {"analysis": {"code": "user_included", "version": "0"}, "hardware": hardware}
    first = {**analysis, "command": f"python3 - <<'END'{program}END", "inputFiles": [{"id": given}]}
    own = {"RESCALE_API_KEY": "of-my-own"}
    second = {**analysis, "command": 'echo "SECOND $RESCALE_API_KEY at ${RESCALE_API_BASE_URL-nowhere}"'}
    body = {"name": "key", "jobanalyses": [first, second, {**second, "envVars": own}]}
    status, made = person.call("POST", "/api/v2/jobs/", body)
    assert status == 201, made
    job = made["id"]
    assert person.call("POST", f"/api/v2/jobs/{job}/submit/")[0] == 200

    found = json.loads(person.wait_for_message(job, "FOUND ").partition("FOUND ")[2])
    assert found == {
        "own": [200] * 4,
        "input": "mesh",
        "sent": [201, "42"],
        "other": [403, 404, 403, 403, 403],
        "stop": 403,
        "door": [403] * 9,
        "argv": [],
        "mode": "0o600",
    }
    person.wait_for_message(job, "SECOND [RESCALE_API_KEY] at http://127.0.0.1:4780")
    person.wait_for_message(job, "SECOND of-my-own at nowhere")
    person.wait_for_cluster(job, "Stopped")

    outputs = person.get(f"/api/v2/jobs/{job}/files/?page_size=50")["results"]
    kept = next(file["id"] for file in outputs if file["name"] == "kept-key.txt")
    key = person.call("GET", f"/api/v2/files/{kept}/contents/")[1]
    assert key.startswith("hnj_")
    status, answer = Person(stack, key).call("GET", f"/api/v2/jobs/{job}/")
    assert (status, answer["reason"]) == (401, "job_key_ended")
    assert "my key is [RESCALE_API_KEY]" in person.messages(job)
    assert files_with(stack.var, key) == []
    told = [person.get(f"/api/v2/jobs/{job}/"), person.get("/api/v2/users/me/audit-events/")]
    assert key not in json.dumps(told)
    assert key.encode() not in context_report(person, job)
