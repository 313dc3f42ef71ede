"""The nodes of a job that one may log in to, with their host keys; waiting for them while they boot."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from . import ssh_text
from .errors import NotThere, Refused
from .ssh_text import Node

if TYPE_CHECKING:
    from .client import Portal

POLL_SECONDS = 1.0
NOT_READY = "not_ready"


@dataclass(frozen=True)
class Nodes:
    """The nodes that are up and trusted, the head first, and the text of their known_hosts file."""

    nodes: tuple[Node, ...]
    known_hosts: str

    def named(self, name: str) -> Node:
        """Return a node. Raises NotThere."""
        found = next((node for node in self.nodes if node.name == name), None)
        if found is None:
            up = ", ".join(node.name for node in self.nodes) or "none"
            raise NotThere(f"There is no node {name!r} to log in to. Up: {up}.")
        return found

    @property
    def head(self) -> Node | None:
        """The head node, if it is up."""
        return next((node for node in self.nodes if node.is_head), None)


def of_job(portal: Portal, path: str) -> Nodes:
    """Return the nodes of a job that can be logged in to now; none while it boots and after it ended."""
    lines = portal.text(f"{path}known-hosts/").splitlines()
    found = []
    for row in portal.pages(f"{path}instances/"):
        alias = ssh_text.alias_of(row["publicIp"], row["sshPort"], lines)
        # A node whose host keys the portal does not vouch for has no line, and is not offered.
        if row["status"] == "running" and alias and not row["hostKeyAlarmAt"]:
            found.append(
                Node(row["name"], row["role"], row["username"], row["publicIp"], int(row["sshPort"]), alias)
            )
    return Nodes(tuple(found), ssh_text.known_hosts(lines))


def wait_for(portal: Portal, path: str, node: str, tell: Callable[[str], None]) -> Nodes:
    """Wait until a node can be logged in to. Return the job's nodes.

    Raises Refused with the portal's sentence for a cluster that has ended or is not to be trusted, NotThere for a node
    or cluster that will never be there.
    """
    told = False
    while True:
        try:
            portal.get(f"{path}connect/", node=node)
        except Refused as refused:
            if refused.reason != NOT_READY or _is_over(portal, path):
                raise
            if not told:
                told = True
                tell("Waiting for the cluster; Ctrl-C to stop waiting.")
            time.sleep(POLL_SECONDS)
            continue
        found = of_job(portal, path)
        found.named(node)
        return found


def _is_over(portal: Portal, path: str) -> bool:
    return portal.get(path)["dateCompleted"] is not None


def check_key(portal: Portal) -> None:
    """Raise Refused if the person has no SSH key, so that no login can work."""
    if next(portal.pages("users/me/ssh-keys/", limit=1), None) is None:
        raise Refused("You have no SSH key on the portal. Add yours: headnode keys add", "no_key")


def why_not(portal: Portal) -> str:
    """Return why a login may have failed, if the portal knows; empty otherwise."""
    settings = portal.get("users/me/job-settings/")
    if not settings["sshAccess"]:
        return "SSH access is switched off in your Job Settings."
    if not settings["currentAddressAllowed"]:
        return f"Your address {settings['currentAddress']} is in no access rule. Add one: {portal.url}/settings/job/"
    return ""
