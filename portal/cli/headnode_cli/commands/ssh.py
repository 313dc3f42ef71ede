"""`ssh`, `tunnel` and `known-hosts`."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Optional

import typer

from .. import completions, nodes, runtime, ssh_session, ssh_text, web_browser
from ..client import Portal
from ..errors import CLIError, Failed, NotThere, Unreachable
from ..forwarding import Forwarding, parse_forwarding
from ..job_refs import LAST, handle_in, job_id, path_of
from ..output import note, show_json
from .jobs import JOB

NODE = typer.Option("head", "--node", help="The node: head, compute-1...", autocompletion=completions.nodes)
RECONNECT_SECONDS = 2.0


def ssh(
    job: str = JOB,
    command: Optional[list[str]] = typer.Argument(None, metavar="[-- COMMAND...]", help="What to run there."),
    node: str = NODE,
    tty: bool = typer.Option(False, "--tty", "-t", help="Give the command a terminal."),
    options: Optional[list[str]] = typer.Option(
        None, "--option", "-o", help="A setting for ssh; repeatable."
    ),
) -> int:
    """Log in to a job's node with your own ssh and key, or run a command there.

    Waits for a cluster that boots. The host key is the one the portal knows; no other is accepted.
    """
    portal = runtime.portal()
    path = path_of(portal, job)
    nodes.check_key(portal)
    found = nodes.wait_for(portal, path, node, note)
    with ssh_session.session(found, node) as session:
        settings = [word for option in options or [] for word in ("-o", option)]
        arguments = [*settings, *(["-t"] if tty else []), ssh_session.TARGET]
        status = ssh_session.run(session.command("ssh", *arguments, *(["--", *command] if command else [])))
    if status == ssh_session.SSH_FAILED:
        with suppress(CLIError):
            if sentence := nodes.why_not(portal):
                note(sentence)
    return status


def tunnel(
    job: str = JOB,
    ports: str = typer.Argument(..., metavar="LOCAL:[HOST:]PORT", help="8888, 8080:80 or 8080:db:5432."),
    node: str = NODE,
    open_browser: bool = typer.Option(False, "--open", help="Open the port in a browser."),
) -> None:
    """Make a port of a node reachable on this computer, until Ctrl-C. A lost connection is made again."""
    wanted = parse_forwarding(ports)
    portal = runtime.portal()
    path = path_of(portal, job)
    nodes.check_key(portal)
    if _listens(wanted.local):
        raise CLIError(
            f"Port {wanted.local} of this computer is in use. Choose another: {wanted.local + 1}:{ports}"
        )
    opened = False
    while True:
        found = _patiently(portal, path, node)
        with ssh_session.session(found, node, ["ExitOnForwardFailure yes", "ConnectTimeout 15"]) as session:
            command = session.command("ssh", "-N", "-L", wanted.option, ssh_session.TARGET)
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            try:
                if _comes_up(child, wanted) and not opened:
                    opened = True
                    _say_open(wanted, node, open_browser)
                status = child.wait()
            except KeyboardInterrupt:
                return
            finally:
                with suppress(OSError):
                    child.terminate()
                child.wait(10)
        if not opened:
            raise CLIError(nodes.why_not(portal) or f"ssh could not open the tunnel (status {status}).")
        note("The connection was lost. Connecting again...")
        time.sleep(RECONNECT_SECONDS)


def _patiently(portal: Portal, path: str, node: str) -> nodes.Nodes:
    """Wait for the node, also over a portal that is away for a while. A cluster that has ended ends it."""
    for number in range(60):
        try:
            return nodes.wait_for(portal, path, node, note)
        except (Unreachable, Failed):
            if number == 59:
                raise
            time.sleep(RECONNECT_SECONDS)
    raise AssertionError("the last try returns or raises")


def _listens(port: int) -> bool:
    """Whether something listens on this port of this computer."""
    with socket.socket() as probe:
        if (
            sys.platform != "win32"
        ):  # connections that ended a moment ago do not count; on Windows they never do
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _comes_up(child: "subprocess.Popen[bytes]", wanted: Forwarding) -> bool:
    while child.poll() is None:
        if _listens(wanted.local):
            return True
        time.sleep(0.1)
    return False


def _say_open(wanted: Forwarding, node: str, open_browser: bool) -> None:
    address = f"http://127.0.0.1:{wanted.local}/"
    if runtime.choices.as_json:
        show_json(
            {"local": wanted.local, "host": wanted.host, "port": wanted.port, "node": node, "url": address}
        )
    else:
        note(f"127.0.0.1:{wanted.local} leads to {wanted.host}:{wanted.port} of {node}. Ctrl-C ends it.")
    if open_browser:
        web_browser.open_page(address)


def known_hosts(
    host: str = typer.Argument(..., help="A job, a handle, or the name that ssh looks up (%H)."),
) -> None:
    """Print known_hosts lines for a host: for ssh's `KnownHostsCommand headnode known-hosts %H`."""
    portal = runtime.portal()
    # The authority's line holds for every node; ssh itself looks whether it fits the host.
    text = portal.text("host-authority/")
    if handle_in(host) or host == LAST:
        text += portal.text(f"jobs/{job_id(portal, host)}/known-hosts/")
    elif host.isalpha():
        with suppress(NotThere):  # ssh asks for every host that it connects to: this one is no job
            text += portal.text(f"jobs/{host}/known-hosts/")
    lines = ssh_text.known_hosts(text.splitlines())
    if runtime.choices.as_json:
        show_json({"host": host, "lines": lines.splitlines()})
    else:
        print(lines, end="")
