"""A whole portal on a machine without bubblewrap, as root: jobs run, people log in, output files are stored.

The same portal shows what an owner hears of the ways into a node, and that nobody gets in by way of a machine.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Person, with_token
from tests.jobs.simulator.conftest import make_key, needs_root
from tests.stack import Stack, running
from tests.waiting import LIMIT

pytestmark = [pytest.mark.acceptance, needs_root]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("uid") / "var", HEADNODE_SIMULATOR_SANDBOX="uid") as found:
        yield found


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    found = with_token(stack)
    assert found.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.1/32"})[0] == 201
    return found


@pytest.fixture(scope="module")
def key(person: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_key(tmp_path_factory.mktemp("key") / "id")
    body = {"name": "mine", "publicKey": Path(f"{path}.pub").read_text()}
    assert person.call("POST", "/api/v2/users/me/ssh-keys/", body)[0] == 201
    return path


def test_output_files_are_stored(person: Person) -> None:
    job = person.submit("whoami > who.txt; echo $HOME > home.txt; echo made > ../above.txt")
    person.wait_for_cluster(job, "Stopped", limit=120)
    listed = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    assert {Path(file["relativePath"]).name for file in listed} == {
        "who.txt", "home.txt", "above.txt", "process_output.log",
    }  # fmt: skip
    assert "Job completed: Completed successfully." in person.messages(job)


def test_every_way_in_is_in_the_job_log_and_a_machine_is_none(
    person: Person, key: Path, tmp_path: Path
) -> None:
    job = person.submit("sleep 600")
    person.wait_for_message(job, "Launched the command")
    ssh = person.ssh_config(job, key, tmp_path)
    authority, visitor = make_key(tmp_path / "ca"), make_key(tmp_path / "visitor")
    sign = [
        "ssh-keygen",
        "-q",
        "-s",
        str(authority),
        "-I",
        "visitor@elsewhere",
        "-n",
        ssh.username,
        f"{visitor}.pub",
    ]
    subprocess.run(sign, check=True)
    line = f"cert-authority {Path(f'{authority}.pub').read_text().strip()}"
    ssh(f"mkdir -p ~/.ssh && echo '{line}' > ~/.ssh/authorized_keys")
    own = ["-o", "IdentitiesOnly=yes", "-i", str(visitor), "-o", f"CertificateFile={visitor}-cert.pub"]
    config = tmp_path / "visitor-config"
    config.write_text(ssh.config.read_text().replace(f"  IdentityFile {key}\n", ""))
    attempt = ["ssh", "-F", str(config), *own, "-p", str(ssh.port), ssh.where, "echo in"]
    assert subprocess.run(attempt, capture_output=True, text=True, timeout=4 * LIMIT).stdout == "in\n"
    told = person.wait_for_message(job, "of an authority that only the node trusts")
    assert "certificate 'visitor@elsewhere'" in told
    assert "from 127.0.0.1 on head" in told
    host_key = person.instances(job)[0]["hostKeys"][0]["publicKey"]
    for host in (ssh.address, f"::ffff:{ssh.address}"):
        machine = {
            "name": host,
            "host": host,
            "port": ssh.port,
            "username": ssh.username,
            "hostKey": host_key,
        }
        status, answer = person.call("POST", "/api/v2/machines/", machine)
        assert status == 400, answer
        assert "host_is_node" in str(answer)
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_cluster(job, "Stopped", limit=120)
