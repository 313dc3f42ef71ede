"""The samples of docs/samples, launched as they are on the running portal, do what their first lines say."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.people import Person
from tests.acceptance.stranger import Stranger, alias_of
from tests.stack import ROOT, Stack

pytestmark = pytest.mark.acceptance

SAMPLES = ROOT / "docs" / "samples"
READY = "Instance ready for ssh access"
Launch = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    return stack


@pytest.fixture
def launch(person: Person) -> Iterator[Launch]:
    """Launch a sample, with something in it changed; terminated by its handle with the test."""
    made: list[dict[str, Any]] = []

    def go(name: str, *changes: tuple[str, str], ready: bool = True) -> dict[str, Any]:
        text = (SAMPLES / name).read_text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        status, cluster = person.call("POST", "/api/v2/clusters/", {"definition": text})
        assert status == 201, cluster
        made.append(cluster)
        if ready:
            person.wait_for_message(cluster["jobId"], READY)
        return dict(cluster)

    yield go
    for cluster in made:
        assert person.call("POST", f"/api/v2/clusters/{cluster['handle']}/terminate/")[0] == 202
    for cluster in made:
        person.wait_for_cluster(cluster["jobId"], "Stopped")


def node(person: Person, cluster: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in person.instances(cluster["jobId"]) if found["name"] == name)


def on(person: Person, stranger: Stranger, cluster: dict[str, Any], name: str, command: str) -> str:
    """What a command says, by the person's own ssh; anything on standard error, a prompt say, fails the test."""
    alias = ("-o", f"HostKeyAlias={alias_of(cluster['jobId'], name)}")
    done = stranger.ssh(node(person, cluster, name), command, *alias)
    assert (done.returncode, done.stderr) == (0, ""), (command, done)
    return done.stdout


def test_every_sample_is_checked_good(person: Person) -> None:
    for path in sorted(SAMPLES.glob("*.toml")):
        status, told = person.call("POST", "/api/v2/clusters/?check=true", {"definition": path.read_text()})
        assert status == 200, (path.name, told)


def test_web_and_database_find_each_other(person: Person, stranger: Stranger, launch: Launch) -> None:
    cluster = launch("web-and-database.toml")
    page = "part,count\nwing,2\nrudder,1\n"
    fetch = "python3 $HEADNODE_CONTEXT/data/fetch.py http://web:8080/"
    assert on(person, stranger, cluster, "head", fetch) == page
    assert on(person, stranger, cluster, "web", "cat $HEADNODE_CONTEXT/roles/database/names") == "database\n"
    told = {member["name"]: member for member in cluster["members"]}
    assert (told["web"]["provides"], told["web"]["requires"]) == (["web"], ["database"])
    assert (told["web"]["coreType"], told["database"]["cores"]) == ("quartz", 2)


def test_hold_for_debugging_keeps_the_node_that_failed(
    person: Person, stranger: Stranger, launch: Launch
) -> None:
    cluster = launch("hold-for-debugging.toml", ready=False)
    job = cluster["jobId"]
    person.wait_for_message(job, "Held for debugging until")
    assert "there is no licence server" in person.messages(job)
    told = "looking for the licence server\n"
    assert on(person, stranger, cluster, "compute-1", "cat /tmp/what-happened") == told
    person.call("POST", f"/api/v2/clusters/{cluster['handle']}/terminate/")
    person.wait_for_cluster(job, "Stopped")
    assert "this never runs" not in person.messages(job)
    assert person.get(f"/api/v2/clusters/{cluster['handle']}/")["outcome"] == "error"


def test_one_head_is_its_owners_until_terminated(person: Person, stranger: Stranger, launch: Launch) -> None:
    cluster = launch("one-head.toml")
    job = cluster["jobId"]
    person.wait_for_message(job, "The cluster is yours")
    assert on(person, stranger, cluster, "head", "nproc >/dev/null; pwd; cat $MACHINEFILE") == (
        f"/enc/uprod_{job}\nhead:2\n"
    )
    on(person, stranger, cluster, "head", "echo mine > work/shared/note.txt")
    person.call("POST", f"/api/v2/clusters/{cluster['handle']}/terminate/")
    person.wait_for_cluster(job, "Stopped")
    told = person.get(f"/api/v2/clusters/{cluster['handle']}/")
    assert (told["status"], told["outcome"], told["failure"]) == ("Stopped", "terminated", "")
    assert [file["name"] for file in person.get(f"/api/v2/jobs/{job}/files/")["results"]] == ["note.txt"]


def test_one_head_ends_well_when_its_hours_are_over(person: Person, launch: Launch) -> None:
    cluster = launch("one-head.toml", ("hours = 2", f"hours = {3 / 3600}"))
    job = cluster["jobId"]
    person.wait_for_cluster(job, "Stopped")
    assert "Job completed: Its hours are over." in person.messages(job)
    told = person.get(f"/api/v2/clusters/{cluster['handle']}/")
    assert (told["outcome"], told["outcomeReason"]) == ("succeeded", "Its hours are over")


def test_one_head_and_three_compute_nodes_of_two_core_types(
    person: Person, stranger: Stranger, launch: Launch
) -> None:
    """The command waits for the test, then greets from all nodes."""
    cluster = launch("mpi-mixed.toml", ("set -e\n", "while [ ! -e go ]; do sleep 0.1; done\n"))
    job = cluster["jobId"]
    assert [(member["name"], member["coreType"], member["cores"]) for member in cluster["members"]] == [
        ("head", "emerald", 2),
        ("compute-1", "emerald", 2),
        ("compute-2", "emerald", 2),
        ("compute-3", "onyx", 1),
    ]
    instances = {found["name"]: found for found in person.instances(job)}
    assert (instances["compute-2"]["sshPort"], instances["compute-3"]["sshPort"]) == (32100, 22)
    names = list(instances)
    hosts = {name: f"ip-{instances[name]['publicIp'].replace('.', '-')}" for name in names}

    loop = "for h in compute-1 compute-2 compute-3; do ssh $h hostname; done"
    assert on(person, stranger, cluster, "head", loop).split() == [hosts[name] for name in names[1:]]
    assert (
        on(person, stranger, cluster, "compute-3", "ssh compute-1 ssh head hostname").strip() == hosts["head"]
    )

    on(person, stranger, cluster, "head", "echo everywhere > work/shared/note")
    for name in names:
        said = on(person, stranger, cluster, name, "hostname; cat work/shared/note /etc/hosts").splitlines()
        assert said[:2] == [hosts[name], "everywhere"]
        entries = {tuple(line.split()) for line in said[2:]}
        assert {(instances[other]["privateIp"], hosts[other], other) for other in names} <= entries

    on(person, stranger, cluster, "head", "touch work/shared/go")
    person.wait_for_message(job, "Exited with code 0")
    messages = person.messages(job)
    assert "7 cores on 4 nodes:" in messages
    for name, cores in (("head", 2), ("compute-1", 2), ("compute-2", 2), ("compute-3", 1)):
        assert f"{hosts[name]} says hello with {cores} core(s)" in messages
