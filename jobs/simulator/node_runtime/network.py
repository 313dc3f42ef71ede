"""The wires of a cluster's network: a switch in the rack's namespace, and a cable from it to each node's own.

Each node has a network namespace with a loopback and an `eth0` that holds its private address, so two nodes may listen
on the same port of 127.0.0.1, and a pulled cable cuts a node off from its peers in both directions, as a real one.
The private addresses are 127.20.x.y, the same as outside: so the loopback holds only 127.0.0.0/16, and the kernel is
told that the rest may travel.

Part of the rack: standard library only. Speaks netlink (linux/rtnetlink.h, linux/if_link.h), because `ip` is not
everywhere. Every refusal of the kernel is an OSError.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from jobs.simulator.node_runtime.libc import check, libc

NEW_LINK, DELETE_LINK, NEW_ADDRESS, DELETE_ADDRESS = 16, 17, 20, 21
REQUEST, ACKNOWLEDGE, EXCLUSIVE, CREATE = 0x1, 0x4, 0x200, 0x400
ERROR = 2
IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 10, 18, 28
INFO_KIND, INFO_DATA, VETH_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFF_UP = 1
SIOCGIFINDEX = 0x8933
CLONE_NEWNET = 0x40000000

BRIDGE = "switch"
LOOPBACK, LOOPBACK_BITS, WHOLE_LOOPBACK_BITS = "127.0.0.1", 16, 8
PRIVATE_BITS = 16
SETTINGS = "/proc/sys/net/"


class Netlink:
    """A conversation with the kernel about one network namespace: the one the process was in when it began."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.socket.bind((0, 0))

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """One request; waits for the kernel's word on it."""
        head = struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACKNOWLEDGE | flags, 1, 0)
        self.socket.send(head + body)
        answer = self.socket.recv(65536)
        if struct.unpack_from("=H", answer, 4)[0] == ERROR:
            number = -struct.unpack_from("=i", answer, 16)[0]
            if number:
                raise OSError(number, os.strerror(number))

    def index(self, name: str) -> int:
        """The number of an interface."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as probe:
            found = fcntl.ioctl(probe, SIOCGIFINDEX, struct.pack("16si20x", name.encode(), 0))
        return int(struct.unpack_from("=i", found, 16)[0])

    def add_bridge(self, name: str) -> None:
        """A switch; up."""
        info = attribute(IFLA_LINKINFO, attribute(INFO_KIND, b"bridge"))
        self.ask(NEW_LINK, CREATE | EXCLUSIVE, link(up=True) + text(IFLA_IFNAME, name) + info)

    def add_cable(self, name: str, far_name: str, far_namespace: int) -> None:
        """A pair of interfaces: one here, the other in the namespace of that descriptor."""
        far = link() + text(IFLA_IFNAME, far_name)
        far += attribute(IFLA_NET_NS_FD, struct.pack("=I", far_namespace))
        info = attribute(INFO_KIND, b"veth") + attribute(INFO_DATA, attribute(VETH_PEER, far))
        body = link() + text(IFLA_IFNAME, name) + attribute(IFLA_LINKINFO, info)
        self.ask(NEW_LINK, CREATE | EXCLUSIVE, body)

    def remove(self, name: str) -> None:
        """Remove an interface (and the other end of its cable)."""
        self.ask(DELETE_LINK, 0, link() + text(IFLA_IFNAME, name))

    def plug(self, name: str, bridge: int) -> None:
        """Put an interface's end into a switch, and switch it on."""
        self.ask(
            NEW_LINK, 0, link(up=True) + text(IFLA_IFNAME, name) + attribute(IFLA_MASTER, number(bridge))
        )

    def switch(self, name: str, up: bool) -> None:
        """Switch an interface on or off."""
        self.ask(NEW_LINK, 0, link(up=up) + text(IFLA_IFNAME, name))

    def address(self, name: str, address: str, bits: int, remove: bool = False) -> None:
        """Give an interface an address, or take it."""
        head = struct.pack("=BBBBi", socket.AF_INET, bits, 0, 0, self.index(name))
        packed = socket.inet_aton(address)
        body = head + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        self.ask(DELETE_ADDRESS if remove else NEW_ADDRESS, 0 if remove else CREATE | EXCLUSIVE, body)


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded."""
    size = 4 + len(payload)
    return struct.pack("=HH", size, kind) + payload + bytes(-size % 4)


def text(kind: int, value: str) -> bytes:
    """An attribute that is a name."""
    return attribute(kind, value.encode() + b"\0")


def number(value: int) -> bytes:
    """A number as attributes have it."""
    return struct.pack("=I", value)


def link(up: bool | None = None) -> bytes:
    """The head of a message about an interface that is named by an attribute."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, IFF_UP if up else 0, 0 if up is None else IFF_UP)


def setting(path: str, value: str) -> None:
    """Write a setting of this network namespace."""
    with open(SETTINGS + path, "w") as file:
        file.write(value)


class Switch:
    """In the rack: the cluster's switch. Raises OSError where the kernel has none of what it takes."""

    def __init__(self) -> None:
        self.netlink = Netlink()
        self.here = os.open("/proc/self/ns/net", os.O_RDONLY)
        # May it be written at all? Not "1" here, or the switch itself would answer for every 127.20.x.y.
        setting("ipv4/conf/all/route_localnet", "0")
        quiet()
        self.netlink.add_bridge(BRIDGE)
        self.bridge = self.netlink.index(BRIDGE)
        self.netlink.add_cable("try", "yrt", self.here)
        self.netlink.remove("try")

    def attach(self, port: int, address: str) -> None:
        """In the process that becomes a node: a namespace of its own with a loopback, a cable and its address."""
        outside = Netlink()  # not the rack's own: two that ask on one socket would read each other's answers
        check(libc.unshare(CLONE_NEWNET), "network namespace of the node")
        for path, value in (("ip_unprivileged_port_start", "0"), ("conf/all/route_localnet", "1")):
            setting("ipv4/" + path, value)
        quiet()
        inside = Netlink()
        inside.switch("lo", True)
        inside.address("lo", LOOPBACK, LOOPBACK_BITS)
        inside.address("lo", LOOPBACK, WHOLE_LOOPBACK_BITS, remove=True)
        inside.add_cable("eth0", port_name(port), self.here)
        outside.plug(port_name(port), self.bridge)
        inside.address("eth0", address, PRIVATE_BITS)
        inside.switch("eth0", True)
        for talk in (inside, outside):
            talk.socket.close()

    def plug(self, port: int, plugged: bool) -> None:
        """Pull the cable of a node, or plug it in again."""
        self.netlink.switch(port_name(port), plugged)


def port_name(port: int) -> str:
    """The switch's end of a node's cable."""
    return f"port{port}"


def quiet() -> None:
    """No IPv6 on new interfaces: fifty nodes that solicit each other are noise, and nobody has an IPv6 address here."""
    try:
        setting("ipv6/conf/default/disable_ipv6", "1")
    except OSError:
        pass  # there is none on this machine
