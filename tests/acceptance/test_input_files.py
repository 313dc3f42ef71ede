"""Input files are on the head node before the command runs; archives are unpacked; unchanged inputs are no outputs."""

import io
import json
import urllib.request
import uuid
import zipfile
from urllib.parse import urlsplit

import pytest

from tests.acceptance.people import Person, with_token
from tests.jobs.api.tus import OFFSET_TYPE, URL, Tus, metadata
from tests.stack import Stack

pytestmark = pytest.mark.acceptance


def upload(person: Person, name: str, data: bytes) -> str:
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    request = urllib.request.Request(
        person.stack.base_url + "api/v2/files/contents/",
        data=head.encode() + data + f"\r\n--{mark}--\r\n".encode(),
        headers={
            "Authorization": f"Token {person.token}",
            "Content-Type": f"multipart/form-data; boundary={mark}",
        },
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return str(json.load(answer)["id"])


def test_inputs_arrive_unpacked_and_are_not_collected_again(stack: Stack) -> None:
    person = with_token(stack)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("case/mesh.dat", "mesh-42\n")
    files = [
        {"id": upload(person, "input.dat", b"plain-7\n" * 100_000)},
        {"id": upload(person, "case.zip", packed.getvalue())},
        {"id": upload(person, "kept.zip", packed.getvalue()), "decompress": False},
        {"id": upload(person, "steering.txt", b"begin\n")},
    ]
    command = "cat case/mesh.dat; head -n 1 input.dat; wc -c < input.dat; echo end >> steering.txt; ls"
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {"code": "user_included", "version": "0"}
    body = {"analysis": analysis, "command": command, "hardware": hardware, "inputFiles": files}
    status, job = person.call("POST", "/api/v2/jobs/", {"name": "inputs", "jobanalyses": [body]})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    person.wait_for_cluster(job["id"], "Stopped")
    story = person.messages(job["id"])
    for part in ("Copied 4 input file(s)", "]: mesh-42", "]: plain-7", "]: 800000", "Exited with code 0"):
        assert part in story, part
    collected = {f["relativePath"] for f in person.get(f"/api/v2/jobs/{job['id']}/files/")["results"]}
    assert collected == {"process_output.log", "case/mesh.dat", "steering.txt"}


def test_a_folder_arrives_as_a_folder(stack: Stack) -> None:
    """Files of one name in different folders, uploaded over tus with their paths."""
    person = with_token(stack)
    tus = Tus(urlsplit(stack.base_url).port or 0, {"Authorization": f"Token {person.token}"})
    ids = []
    for folder, data in (("case/0", b"zero"), ("case/constant", b"constant"), ("caf\u00e9", b"accent")):
        named = metadata(filename="U", relativePath=f"{folder}/U")
        begun = tus.send(
            "POST", URL, data, upload_length=str(len(data)), upload_metadata=named, content_type=OFFSET_TYPE
        )
        ids.append({"id": begun.getheader("Upload-File-Id")})
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {"code": "user_included", "version": "0"}
    command = "cat case/0/U; echo; cat case/constant/U; echo; cat caf\u00e9/U; echo"
    body = {"analysis": analysis, "command": command, "hardware": hardware, "inputFiles": ids}
    status, job = person.call("POST", "/api/v2/jobs/", {"name": "folder", "jobanalyses": [body]})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    person.wait_for_cluster(job["id"], "Stopped")
    story = person.messages(job["id"])
    for part in ("Copied 3 input file(s)", "]: zero", "]: constant", "]: accent"):
        assert part in story, part
    collected = {f["relativePath"] for f in person.get(f"/api/v2/jobs/{job['id']}/files/")["results"]}
    assert collected == {"process_output.log"}
