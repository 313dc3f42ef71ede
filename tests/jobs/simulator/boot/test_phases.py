"""Phases on real nodes: scripts run as the job's user, bounded in time and output, and are reported line by line."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.simulator.boot.test_boot import failed
from tests.jobs.simulator.simulator_process import Cluster, Simulator
from tests.waiting import wait_for

ORDER = ["hosts", "peers", "this_host", "data", "finalize"]


@pytest.fixture(scope="module")
def one(simulators: Callable[..., Simulator]) -> Iterator[Simulator]:
    """One simulator for all of these."""
    made = simulators()
    yield made
    made.end()


@pytest.fixture
def simulator(one: Simulator) -> Iterator[Simulator]:
    """The simulator of these tests, reset."""
    broker = one.broker
    context, peers = dict(broker.context), broker.peers
    yield one
    broker.context, broker.peers = context, peers
    broker.own.clear()
    broker.refuse.clear()
    for cluster in one.http.get("/v1/clusters").json()["clusters"]:
        one.http.delete(f"/v1/clusters/{cluster['id']}")


@pytest.fixture
def give_plan(simulator: Simulator) -> Callable[..., None]:
    """Let the broker give nodes these scripts, by phase, and other parts of the plan."""

    def tell(scripts: dict[str, str], seconds: int = 60, **more: Any) -> None:
        phases = [
            {"name": name, "timeout_seconds": seconds, "script": scripts.get(name, "")} for name in ORDER
        ]
        simulator.broker.context |= {"phases": phases, **more}

    return tell


def lines(simulator: Simulator, cluster: str, node: str = "head") -> list[dict[str, Any]]:
    found = simulator.broker.lines[f"uprod_{cluster}/{node}"]
    return [found[number] for number in sorted(found)]


def texts(simulator: Simulator, cluster: str, phase: str) -> str:
    return "\n".join(line["text"] for line in lines(simulator, cluster) if line["phase"] == phase)


def launch(simulator: Simulator, cluster: str, computes: int = 0) -> Cluster:
    assert (
        simulator.http.put(
            f"/v1/clusters/{cluster}", json=simulator.spec(cluster, computes=computes)
        ).status_code
        == 201
    )
    return Cluster(simulator, cluster)


def test_phases_come_in_order_and_cost_no_call_of_their_own(simulator: Simulator) -> None:
    simulator.broker.calls.clear()
    simulator.create("Phase1", computes=0)
    assert [call.rpartition("v1/")[2] for call in simulator.broker.calls] == ["register/", "report/"]
    marks = [(line["phase"], line["mark"]) for line in lines(simulator, "Phase1") if line["phase"]]
    assert marks == [(name, mark) for name in ORDER for mark in ("start", "ok")]
    log = simulator.broker.reported["uprod_Phase1/head"]["log"]
    assert [log.index(f"] {name}: started") for name in ORDER] == sorted(
        log.index(f"] {name}: started") for name in ORDER
    )


def test_a_script_runs_inside_as_the_jobs_user_with_no_shell_in_between(
    simulator: Simulator, give_plan: Callable[..., None], keys: dict[str, Path]
) -> None:
    script = (
        "#!/usr/bin/python3\nimport os, sys\n"
        "print(os.getcwd(), os.getuid() == os.stat('.').st_uid, sys.argv, os.environ['HEADNODE_MEMBER'])\n"
        "print(open(os.environ['HEADNODE_CONTEXT'] + '/data/odd').read(), file=sys.stderr)\n"
        "open('made', 'w').write('by a script')\n"
    )
    odd = "$(touch ~/oops) `touch ~/oops` ; touch ~/oops\n'\""
    give_plan({"data": script}, data={"odd": odd}, member={"name": "head", "provides": ["a"], "requires": []})
    cluster = simulator.create("Phase2", computes=0)
    said = texts(simulator, "Phase2", "data")
    assert "/enc/uprod_Phase2 True ['/run/context/scripts/data'] head" in said
    assert odd in said
    assert cluster.ssh(keys["alice"], "cat made; ls").stdout == b"by a scriptmachinefile\nmade\nwork\n"
    seen = cluster.ssh(keys["alice"], "cd $HEADNODE_CONTEXT; cat member provides ready data/odd").stdout
    assert seen.decode() == f"head\na\nok\n{odd}"


def test_without_a_first_line_that_says_otherwise_sh_runs_it(
    simulator: Simulator, give_plan: Callable[..., None]
) -> None:
    give_plan({"finalize": "echo $0 $HEADNODE_PHASE\n"})
    simulator.create("Phase3", computes=0)
    assert "/run/context/scripts/finalize finalize" in texts(simulator, "Phase3", "finalize")


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        ("PhaseA", "echo out; echo err >&2; exit 4", "ended with exit status 4: err"),
        ("PhaseB", "kill -9 $$", "was killed by signal 9."),
        ("PhaseC", "#!/no/such/program\n", "ended with exit status 127: cannot start"),
        ("PhaseD", "exit 1", "ended with exit status 1."),
    ],
)
def test_a_script_that_fails_fails_the_node_with_its_last_words(
    simulator: Simulator, give_plan: Callable[..., None], name: str, script: str, words: str
) -> None:
    give_plan({"this_host": script})
    launch(simulator, name)
    assert failed(simulator, name)["reason"] == "context_failed"
    report = simulator.broker.reported[f"uprod_{name}/head"]
    assert report["outcome"] == "error"
    assert words in report["log"]
    last = lines(simulator, name)[-1]
    assert (last["phase"], last["mark"]) == ("this_host", "error")
    assert words in last["text"]
    assert "data: started" not in report["log"]


def test_a_script_that_takes_too_long_is_ended_and_what_it_started(
    simulator: Simulator, give_plan: Callable[..., None], keys: dict[str, Path]
) -> None:
    give_plan({"data": "trap '' TERM\necho begun\nsleep 1000 & sleep 1000\n"}, seconds=4, on_error="stay")
    cluster = launch(simulator, "Phase4")
    cluster.wait("running")
    assert "was not done within 4 s and was ended: begun" in texts(simulator, "Phase4", "data")
    assert simulator.broker.reported["uprod_Phase4/head"]["outcome"] == "error"
    # It stays, for its owner to look into it, and nothing of the script runs on.
    look = "pgrep -x sleep || echo none"
    wait_for(lambda: cluster.ssh(keys["alice"], look).stdout == b"none\n", "nothing of it runs on")


def test_what_a_script_leaves_running_holds_nothing_up(
    simulator: Simulator, give_plan: Callable[..., None], keys: dict[str, Path]
) -> None:
    give_plan({"finalize": "setsid sleep 1000 &\necho served\n"})
    cluster = simulator.create("Phase5", computes=0)
    assert "served" in texts(simulator, "Phase5", "finalize")
    look = "pgrep -xc sleep"
    wait_for(lambda: cluster.ssh(keys["alice"], look).stdout == b"1\n", "what it left runs")


def test_of_much_output_the_beginning_and_the_end_are_kept(
    simulator: Simulator, give_plan: Callable[..., None]
) -> None:
    give_plan({"data": "echo first; yes 'a line of it' | head -c 3000000; printf '\\033[31mlast\\007\\n'\n"})
    simulator.create("Phase6", computes=0)
    said = texts(simulator, "Phase6", "data")
    assert said.startswith("started\nfirst\n")
    assert "characters of output are left out here]" in said
    assert "\ufffd[31mlast\ufffd" in said
    assert 60_000 < len(said) < 80_000


def test_lines_are_told_while_the_script_still_runs(
    simulator: Simulator, give_plan: Callable[..., None]
) -> None:
    give_plan({"data": "echo working; while [ ! -e go ]; do sleep 0.05; done; echo gone on\n"})
    launch(simulator, "Phase7")
    wait_for(
        lambda: (
            "working" in texts(simulator, "Phase7", "data")
            if "uprod_Phase7/head" in simulator.broker.lines
            else False
        ),
        "the broker hears of it",
    )
    assert "uprod_Phase7/head" not in simulator.broker.reported
    (simulator.var / "homes/Phase7/uprod_Phase7/go").touch()
    Cluster(simulator, "Phase7").wait("running")
    assert "gone on" in texts(simulator, "Phase7", "data")


def test_a_broker_that_is_away_meanwhile_hears_all_of_it_later(
    simulator: Simulator, give_plan: Callable[..., None]
) -> None:
    simulator.broker.refuse["progress"] = 503
    simulator.broker.calls.clear()
    give_plan({"data": "echo one; while [ ! -e go ]; do sleep 0.05; done; echo two\n"})
    cluster = launch(simulator, "Phase8")
    wait_for(
        lambda: any(call.endswith("progress/") for call in simulator.broker.calls), "it tries to tell a line"
    )
    (simulator.var / "homes/Phase8/uprod_Phase8/go").touch()
    cluster.wait("running")
    assert "one\ntwo" in texts(simulator, "Phase8", "data")


def test_booted_again_in_the_middle_it_goes_on_where_it_was(
    simulator: Simulator, give_plan: Callable[..., None]
) -> None:
    count = "echo x >> ran.$HEADNODE_PHASE\n"
    give_plan({"hosts": count, "data": count + "while [ ! -e go ]; do sleep 0.05; done\n"})
    launch(simulator, "Phase9")
    home = simulator.var / "homes/Phase9/uprod_Phase9"
    ran = home / "ran.data"
    wait_for(lambda: ran.exists() and ran.read_text(), "its second script has begun")
    simulator.end(signal.SIGKILL)
    (home / "go").touch()
    simulator.start()
    Cluster(simulator, "Phase9").wait("running")
    assert (home / "ran.hosts").read_text() == "x\n"  # it was done
    assert (home / "ran.data").read_text() == "x\nx\n"  # it was not
    numbers = [line["sequence"] for line in lines(simulator, "Phase9")]
    assert max(numbers) > 100_000
    assert simulator.broker.reported["uprod_Phase9/head"]["outcome"] == "ok"


def test_what_it_was_told_is_there_after_it_was_booted_again(
    simulator: Simulator, give_plan: Callable[..., None], keys: dict[str, Path]
) -> None:
    give_plan({}, data={"greeting": "good day"})
    cluster = simulator.create("PhaseE", computes=0)
    simulator.end(signal.SIGKILL)
    simulator.start()
    cluster.wait("running")
    assert cluster.ssh(keys["alice"], "cat $HEADNODE_CONTEXT/data/greeting").stdout == b"good day"


@pytest.mark.parametrize(
    ("cluster", "change", "words"),
    [
        ("PeerAA", {}, ""),
        ("PeerBB", {"address": "127.20.0.99"}, "The broker has compute-1 at 127.20.0.99; in this cluster"),
        ("PeerCC", {"host_keys": ["ssh-ed25519 AAAA"]}, "another host key of compute-1"),
        ("PeerDD", {"name": "compute-9"}, "compute-9, which is not in this cluster"),
    ],
)
def test_peers_are_waited_for_and_believed_only_if_the_cluster_knows_them_so(
    simulator: Simulator, keys: dict[str, Path], cluster: str, change: dict[str, Any], words: str
) -> None:
    broker = simulator.broker
    waiting = {"waiting_for": {"client": ["compute-1"]}, "ask_again_seconds": 0.05}

    def peers() -> dict[str, Any]:
        said = broker.registered.get(f"uprod_{cluster}/compute-1")
        if said is None:
            return waiting
        known = {"name": "compute-1", "address": said["private_address"], "host_keys": said["host_keys"]}
        return {"roles": {"client": [known | change]}}

    broker.own["head"], broker.peers = {"peers": waiting}, peers
    made = launch(simulator, cluster, computes=1)
    if words:
        assert failed(simulator, cluster)["reason"] == "context_failed"
        assert words in broker.reported[f"uprod_{cluster}/head"]["log"]
        return
    made.wait("running")
    said = [(line["mark"], line["text"]) for line in lines(simulator, cluster) if line["phase"] == "peers"]
    assert said == [("start", "started"), ("wait", "waiting for client of compute-1"), ("ok", "done")]
    names = made.ssh(keys["alice"], "cat $HEADNODE_CONTEXT/roles/client/names").stdout
    assert names == b"compute-1\n"
