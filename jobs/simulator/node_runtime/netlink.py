"""Configure network interfaces over netlink (linux/rtnetlink.h, linux/if_link.h): `ip` is not installed everywhere.

Part of the launcher: standard library only. Every refusal of the kernel is an OSError.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct

NEW_LINK, DELETE_LINK, NEW_ADDRESS, DELETE_ADDRESS = 16, 17, 20, 21
REQUEST, ACKNOWLEDGE, EXCLUSIVE, CREATE = 0x1, 0x4, 0x200, 0x400
ERROR = 2
IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 10, 18, 28
INFO_KIND, INFO_DATA, VETH_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFF_UP = 1
SIOCGIFINDEX = 0x8933


class Netlink:
    """A netlink socket for one network namespace: the one the process was in when it was opened."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.socket.bind((0, 0))

    def request(self, kind: int, flags: int, body: bytes) -> None:
        """Send one request and wait until the kernel has acknowledged it."""
        head = struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACKNOWLEDGE | flags, 1, 0)
        self.socket.send(head + body)
        reply = self.socket.recv(65536)
        if struct.unpack_from("=H", reply, 4)[0] == ERROR:
            number = -struct.unpack_from("=i", reply, 16)[0]
            if number:
                raise OSError(number, os.strerror(number))

    def index(self, name: str) -> int:
        """Return the number of an interface."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as probe:
            found = fcntl.ioctl(probe, SIOCGIFINDEX, struct.pack("16si20x", name.encode(), 0))
        return int(struct.unpack_from("=i", found, 16)[0])

    def add_bridge(self, name: str) -> None:
        """Add a bridge and bring it up."""
        info = attribute(IFLA_LINKINFO, attribute(INFO_KIND, b"bridge"))
        self.request(NEW_LINK, CREATE | EXCLUSIVE, link(up=True) + text(IFLA_IFNAME, name) + info)

    def add_veth(self, name: str, peer_name: str, peer_namespace: int) -> None:
        """Add a veth pair: one end here, the other in the namespace of that descriptor."""
        peer = link() + text(IFLA_IFNAME, peer_name)
        peer += attribute(IFLA_NET_NS_FD, struct.pack("=I", peer_namespace))
        info = attribute(INFO_KIND, b"veth") + attribute(INFO_DATA, attribute(VETH_PEER, peer))
        body = link() + text(IFLA_IFNAME, name) + attribute(IFLA_LINKINFO, info)
        self.request(NEW_LINK, CREATE | EXCLUSIVE, body)

    def remove(self, name: str) -> None:
        """Remove an interface, and with it the other end of a veth pair."""
        self.request(DELETE_LINK, 0, link() + text(IFLA_IFNAME, name))

    def attach_to_bridge(self, name: str, bridge: int) -> None:
        """Make an interface a port of a bridge and bring it up."""
        self.request(
            NEW_LINK, 0, link(up=True) + text(IFLA_IFNAME, name) + attribute(IFLA_MASTER, number(bridge))
        )

    def set_up(self, name: str, up: bool) -> None:
        """Bring an interface up or down."""
        self.request(NEW_LINK, 0, link(up=up) + text(IFLA_IFNAME, name))

    def set_address(self, name: str, address: str, bits: int, remove: bool = False) -> None:
        """Add an address to an interface, or remove it."""
        head = struct.pack("=BBBBi", socket.AF_INET, bits, 0, 0, self.index(name))
        packed = socket.inet_aton(address)
        body = head + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        self.request(DELETE_ADDRESS if remove else NEW_ADDRESS, 0 if remove else CREATE | EXCLUSIVE, body)


def attribute(kind: int, payload: bytes) -> bytes:
    """Return one attribute, padded."""
    size = 4 + len(payload)
    return struct.pack("=HH", size, kind) + payload + bytes(-size % 4)


def text(kind: int, value: str) -> bytes:
    """Return an attribute that is a name."""
    return attribute(kind, value.encode() + b"\0")


def number(value: int) -> bytes:
    """Return a number as attributes have it."""
    return struct.pack("=I", value)


def link(up: bool | None = None) -> bytes:
    """Return the head of a message about an interface that an attribute names."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, IFF_UP if up else 0, 0 if up is None else IFF_UP)
