"""A cluster's network: a bridge in the launcher's namespace, and a veth pair from it to each node's own namespace.

Each node has a network namespace with a loopback and an `eth0` that holds its private address. So two nodes may listen
on the same port of 127.0.0.1, and a link that is down cuts a node off from its peers in both directions.
The private addresses are 127.20.x.y, the same as outside, so the loopback holds only 127.0.0.0/16, and the kernel is
told that the rest may be routed.

Part of the launcher: standard library only. Every refusal of the kernel is an OSError.
"""

from __future__ import annotations

import os

from jobs.simulator.node_runtime.libc import check, libc
from jobs.simulator.node_runtime.netlink import Netlink

CLONE_NEWNET = 0x40000000
BRIDGE = "switch"
LOOPBACK, LOOPBACK_BITS, WHOLE_LOOPBACK_BITS = "127.0.0.1", 16, 8
PRIVATE_BITS = 16
SETTINGS = "/proc/sys/net/"


class ClusterNetwork:
    """The cluster's bridge, in the launcher. Raises OSError if the kernel lacks something it needs."""

    def __init__(self) -> None:
        self.netlink = Netlink()
        self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        # Fails where /proc/sys is read-only. Not "1" here, or the bridge itself would answer for every 127.20.x.y.
        write_setting("ipv4/conf/all/route_localnet", "0")
        disable_ipv6()
        self.netlink.add_bridge(BRIDGE)
        self.bridge = self.netlink.index(BRIDGE)
        self.netlink.add_veth("try", "yrt", self.namespace)
        self.netlink.remove("try")

    def attach_node(self, port: int, address: str) -> None:
        """In the process that becomes a node: make its namespace with a loopback, a veth pair and its address."""
        outside = Netlink()  # not the launcher's own: two that share a socket would read each other's replies
        check(libc.unshare(CLONE_NEWNET), "network namespace of the node")
        for path, value in (("ip_unprivileged_port_start", "0"), ("conf/all/route_localnet", "1")):
            write_setting("ipv4/" + path, value)
        disable_ipv6()
        inside = Netlink()
        inside.set_up("lo", True)
        inside.set_address("lo", LOOPBACK, LOOPBACK_BITS)
        inside.set_address("lo", LOOPBACK, WHOLE_LOOPBACK_BITS, remove=True)
        inside.add_veth("eth0", port_name(port), self.namespace)
        outside.attach_to_bridge(port_name(port), self.bridge)
        inside.set_address("eth0", address, PRIVATE_BITS)
        inside.set_up("eth0", True)
        for netlink in (inside, outside):
            netlink.socket.close()

    def set_link(self, port: int, up: bool) -> None:
        """Take a node's link down, or bring it up again."""
        self.netlink.set_up(port_name(port), up)


def port_name(port: int) -> str:
    """Return the name of the bridge's end of a node's veth pair."""
    return f"port{port}"


def write_setting(path: str, value: str) -> None:
    """Write a setting of this network namespace."""
    with open(SETTINGS + path, "w") as file:
        file.write(value)


def disable_ipv6() -> None:
    """Use no IPv6 on new interfaces: no node has an IPv6 address, and fifty nodes that solicit each other are noise."""
    try:
        write_setting("ipv6/conf/default/disable_ipv6", "1")
    except OSError:
        pass  # this kernel has none
