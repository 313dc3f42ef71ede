"""Every way to connect that the portal shows is run against a real node, exactly as shown."""

import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.desk import Desk, page_at
from tests.acceptance.people import Person, with_token
from tests.stack import Stack, free_port, running
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance

WAYS = {"head": "node=head", "jump": "node=compute-1&way=jump", "direct": "node=compute-1&way=direct"}
ON_THE_NODE = "from the node"
# Where PuTTY keeps what its fields say.
SESSION = {
    "host": "HostName",
    "port": "PortNumber",
    "username": "UserName",
    "key_file": "PublicKeyFile",
    "host_key": "SSHManualHostKeys",
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal of our own: its rules let this whole machine in."""
    with running(tmp_path_factory.mktemp("connect")) as found:
        yield found


@pytest.fixture(scope="module")
def person(portal: Stack) -> Person:
    return with_token(portal)


@pytest.fixture(scope="module")
def key(person: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(path)], check=True)
    body = {"name": "laptop", "publicKey": Path(f"{path}.pub").read_text()}
    assert person.call("POST", "/api/v2/users/me/ssh-keys/", body)[0] == 201
    assert person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8"})[0] == 201
    return path


@pytest.fixture(scope="module")
def job(person: Person, key: Path) -> Iterator[str]:
    """A job on two nodes that runs until the tests are over."""
    found = person.submit("sleep 900", slots=2, name="connect")
    person.wait_for_message(found, "Instance ready for ssh access")
    yield found
    person.call("POST", f"/api/v2/jobs/{found}/stop/")
    person.wait_for_cluster(found, "Stopped")


@dataclass
class Case:
    """One way to one node, and the desk to try it from."""

    person: Person
    job: str
    way: str
    desk: Desk
    local_port: int
    node_port: int
    recipes: dict[str, dict[str, Any]]
    nodes: dict[str, dict[str, Any]]

    def text(self, name: str) -> str:
        return str(self.recipes[name]["text"])

    def fields(self, name: str) -> dict[str, str]:
        return {field["id"]: field["value"] for field in self.recipes[name]["puttyFields"]}

    @property
    def hostname(self) -> str:
        node = self.nodes["head" if self.way == "head" else "compute-1"]
        return "ip-" + str(node["privateIp"]).replace(".", "-")

    @property
    def home(self) -> str:
        return f"/enc/uprod_{self.job}"

    def on_the_node(self, command: str) -> str:
        """Log in by the plain command and run something there."""
        return self.desk.said(self.text("openssh"), f"{command}\n")

    def session(self, **more: str) -> None:
        """Save in PuTTY what its fields are to be."""
        fields = self.fields("putty-fields")
        fields["key_file"] = str(self.desk.folder / fields["key_file"])
        lines = {SESSION[name]: value for name, value in fields.items()} | {"Protocol": "ssh"} | more
        self.desk.write(".putty/x", "")
        self.desk.write(".putty/sessions/node", "".join(f"{name}={value}\n" for name, value in lines.items()))

    def serving(self) -> Any:
        """A page on the node that only the node itself can reach."""
        serve = f"cd /tmp && echo {ON_THE_NODE} > index.html"
        serve += f" && exec python3 -m http.server -b 127.0.0.1 {self.node_port}"
        return self.desk.running(f"{self.text('openssh')} '{serve}'")


@pytest.fixture
def case(request: pytest.FixtureRequest, person: Person, job: str, key: Path, tmp_path: Path) -> Case:
    local_port, node_port = free_port(), free_port()
    path = f"/api/v2/jobs/{job}/connect/?{WAYS[request.param]}&local_port={local_port}&node_port={node_port}"
    answer = person.get(path)
    desk = Desk(tmp_path, key)
    desk.trust(person.get("/api/v2/host-authority/"))
    recipes = {recipe["id"]: recipe for recipe in answer["recipes"]}
    nodes = {node["name"]: node for node in person.instances(job)}
    return Case(person, job, request.param, desk, local_port, node_port, recipes, nodes)


def log_in(case: Case, name: str) -> None:
    assert case.desk.said(case.text(name), "hostname\npwd\nexit\n").split() == [case.hostname, case.home]


def runs_one_command(case: Case, name: str) -> None:
    assert case.desk.said(case.text(name)).split() == [case.hostname]


def strict_by_file(case: Case, name: str) -> None:
    case.desk.trust("")
    file = case.person.get(f"/api/v2/jobs/{case.job}/known-hosts/")
    case.desk.write(f"known_hosts-{case.job}.txt", file)
    log_in(case, name)
    case.desk.write(f"known_hosts-{case.job}.txt", "")
    assert case.desk.run(case.text(name), "hostname\n").returncode == 255


def strict_by_authority(case: Case, name: str) -> None:
    log_in(case, name)
    case.desk.trust("")
    refused = case.desk.run(case.text(name), "hostname\n")
    assert refused.returncode == 255 and refused.stdout == ""


def plink(case: Case, name: str) -> None:
    # It always asks for a terminal, so what was typed and the prompt come back, too.
    said = case.desk.said(case.text(name), "hostname\npwd\nexit\n").replace("\r", "").splitlines()
    assert {case.hostname, case.home} <= set(said), said
    pin = case.fields("putty-fields")["host_key"]
    other = case.text(name).replace(pin, "SHA256:" + "A" * 43)
    assert case.desk.run(other, "hostname\n").stdout == "", "another host key is refused"


def putty_fields(case: Case, name: str) -> None:
    case.session()
    assert case.desk.said("plink -load node -batch hostname").strip() == case.hostname


def vscode_config(case: Case, name: str) -> None:
    case.desk.configure(case.text(name))
    alias = case.text("vscode-open").split()[2].removeprefix("ssh-remote+")
    assert case.desk.said(f"ssh {alias} hostname").strip() == case.hostname


def vscode_open(case: Case, name: str) -> None:
    # What the extension does with its arguments: a shell over a dynamic tunnel, then the folder.
    case.desk.configure(case.text("vscode-config"))
    code = case.desk.folder / "bin" / "code"
    code.write_text(
        '#!/bin/sh\n[ "$1" = --remote ] || exit 9\n'
        f'echo "cd $3 && hostname && pwd" | ssh -T -D {case.local_port} "${{2#ssh-remote+}}" sh\n'
    )
    code.chmod(0o755)
    assert case.desk.said(case.text(name)).split() == [case.hostname, f"{case.home}/work"]


def sftp(case: Case, name: str) -> None:
    case.desk.write("input.dat", f"by {name}")
    case.desk.said(
        case.text(name), "put input.dat work/shared/typed.dat\nget work/shared/typed.dat back.dat\n"
    )
    assert (case.desk.folder / "back.dat").read_text() == f"by {name}"


def send(case: Case, name: str) -> None:
    case.desk.write("input.dat", f"by {name}")
    case.desk.said(case.text(name))
    assert case.on_the_node("cat work/shared/input.dat; rm work/shared/input.dat") == f"by {name}"


def fetch(case: Case, name: str) -> None:
    case.desk.said(case.text(name))
    assert "Process output follows" in (case.desk.folder / "process_output.log").read_text()


def rsync_up(case: Case, name: str) -> None:
    case.desk.write("folder/a.dat", "to the node")
    case.desk.said(case.text(name))
    assert case.on_the_node("cat work/shared/folder/a.dat; rm -r work/shared/folder") == "to the node"


def rsync_down(case: Case, name: str) -> None:
    case.on_the_node("echo result > work/shared/out.dat")
    case.desk.said(case.text(name))
    assert (case.desk.folder / "results" / "out.dat").read_text() == "result\n"


def tunnel_to_the_node(case: Case, name: str) -> None:
    with case.serving(), case.desk.running(case.text(name)):
        assert page_at(f"http://127.0.0.1:{case.local_port}/").strip() == ON_THE_NODE


def tunnel_by_putty_fields(case: Case, name: str) -> None:
    fields = case.fields(name)
    case.session(PortForwardings=f"L{fields['source_port']}={fields['destination']}")
    with case.serving(), case.desk.running("plink -load node -batch -N"):
        assert page_at(f"http://127.0.0.1:{case.local_port}/").strip() == ON_THE_NODE


def tunnel_from_the_node(case: Case, name: str) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from the desk")

        def log_message(self, *_: object) -> None:
            pass

    fetched = f"curl -s --max-time 5 http://127.0.0.1:{case.node_port}/ || true"
    with http.server.ThreadingHTTPServer(("127.0.0.1", case.local_port), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with case.desk.running(case.text(name)):
            wait_for(lambda: case.on_the_node(fetched) == "from the desk", "the node reaches the desk")
        server.shutdown()


def socks(case: Case, name: str) -> None:
    proxy = f"curl -s --socks5-hostname 127.0.0.1:{case.local_port} http://127.0.0.1:{case.node_port}/"
    with case.serving(), case.desk.running(case.text(name)):
        wait_for(lambda: case.desk.run(proxy).stdout.strip() == ON_THE_NODE, "the page comes")


def x11(case: Case, name: str) -> None:
    authority = str(case.desk.folder / "xauthority")
    xauth, cookie = ["xauth", "-q", "-f", authority, "add"], os.urandom(16).hex()
    # The server takes any cookie of its file, whatever display it is filed under: its number is not known yet.
    Path(authority).touch(mode=0o600)
    subprocess.run([*xauth, ":0", ".", cookie], check=True)
    read, write = os.pipe()
    with os.fdopen(read) as numbers:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-auth", authority],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        try:
            display = f":{numbers.readline().strip()}"
            subprocess.run([*xauth, display, ".", cookie], check=True)
            typed = "xdpyinfo 2>&1; echo at $DISPLAY; exit\n"
            said = case.desk.said(case.text(name), typed, DISPLAY=display, XAUTHORITY=authority)
        finally:
            server.terminate()
            server.wait(LIMIT)
    assert "dimensions:    640x480" in said, said
    assert "at localhost:1" in said, said


RUNS: dict[str, Callable[[Case, str], None]] = {
    "openssh": log_in,
    "openssh-run": runs_one_command,
    "strict-authority": strict_by_authority,
    "strict-file": strict_by_file,
    "putty-fields": putty_fields,
    "plink": plink,
    "plink-batch": runs_one_command,
    "vscode-config": vscode_config,
    "vscode-open": vscode_open,
    "sftp": sftp,
    "scp-up": send,
    "scp-down": fetch,
    "scp-old": send,
    "rsync-up": rsync_up,
    "rsync-down": rsync_down,
    "psftp": sftp,
    "pscp-up": send,
    "tunnel-local": tunnel_to_the_node,
    "tunnel-remote": tunnel_from_the_node,
    "tunnel-dynamic": socks,
    "tunnel-putty": tunnel_by_putty_fields,
    "tunnel-plink": tunnel_to_the_node,
    "x11": x11,
    "x11-compressed": x11,
}


@pytest.mark.parametrize("case", WAYS, indirect=True)
def test_each_variant_shown_is_run_here(case: Case) -> None:
    assert set(case.recipes) == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("case", WAYS, indirect=True)
def test_the_command_works_as_shown(case: Case, name: str) -> None:
    RUNS[name](case, name)
