"""Post to an address that a person named: within a time limit, to checked addresses only, following nothing.

The name is resolved once, each address is checked, and the connection goes to the one that was checked: no second
answer of a name server can lead elsewhere. Redirects are answers like others. Proxies of the environment are not used.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import httpcore

from accounts.notifications.webhook_targets import is_in_one, is_outside

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MAX_ANSWER = 2048


class PostFailed(Exception):
    """There was no answer. The message is a sentence for the webhook's owner, and tells nothing of a network inside."""


@dataclass(frozen=True)
class Answer:
    """What the receiver answered: its status and the beginning of the body."""

    status: int
    text: str
    retry_after: int | None = None


def post(url: str, body: bytes, headers: dict[str, str], allowed_networks: Sequence[str]) -> Answer:
    """Post and return the answer, whatever its status. Raises PostFailed."""
    backend = _CheckedBackend(allowed_networks, time.monotonic() + TOTAL_SECONDS)
    pool = httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(), network_backend=backend, max_connections=1, retries=0
    )
    limits = dict.fromkeys(("connect", "read", "write", "pool"), CONNECT_SECONDS)
    limits["read"] = TOTAL_SECONDS
    try:
        with (
            pool,
            pool.stream(
                "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": limits}
            ) as response,
        ):
            text = _beginning(response.iter_stream())
            return Answer(response.status, text, _retry_after(response.headers))
    except (httpcore.TimeoutException, TimeoutError):
        raise PostFailed(f"It did not answer within {TOTAL_SECONDS:.0f} seconds.") from None
    except httpcore.ConnectError as error:
        raise PostFailed(_why_not_connected(error)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise PostFailed(f"The connection broke: {error or type(error).__name__}"[:200]) from None
    except (UnicodeError, ValueError):
        raise PostFailed("The address cannot be used.") from None


def _why_not_connected(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("certificate verify failed:")[2].strip() or text
        return f"Its certificate is not valid for it: {reason}"[:250]
    return f"It cannot be connected to: {text or 'no reason is known'}"[:250]


def _beginning(chunks: Iterable[bytes]) -> str:
    found = b""
    for chunk in chunks:
        found += chunk
        if len(found) >= MAX_ANSWER:
            break
    return found[:MAX_ANSWER].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < 9:
            return int(value)
    return None


class _CheckedBackend(httpcore.SyncBackend):
    """Opens connections to checked addresses, each with what is left of the time."""

    def __init__(self, allowed_networks: Sequence[str], ends_at: float) -> None:
        super().__init__()
        self._allowed_networks = allowed_networks
        self._ends_at = ends_at

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve the name, and connect to the first of its addresses that may be reached and answers."""
        problem = httpcore.ConnectError("none of its addresses may be reached from here.")
        for address in _addresses_within(self._left(CONNECT_SECONDS), host, port):
            if not self._may_reach(address):
                continue
            try:
                stream = super().connect_tcp(address, port, self._left(CONNECT_SECONDS), None, socket_options)
                return _TimedStream(stream, self._ends_at)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = httpcore.ConnectError(str(error))
        raise problem

    def _may_reach(self, address: str) -> bool:
        """Return whether the address is outside, or in a network that the administrator allows.

        This machine's own addresses are inside, even where they are public: no firewall stands between.
        """
        if is_in_one(address, self._allowed_networks):
            return True
        return is_outside(address) and not is_own_address(address)

    def _left(self, at_most: float) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ConnectTimeout("time is over")
        return min(at_most, left)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes together end at one moment, however slowly the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all."""
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS: the certificate is checked against the name, not the address."""
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._ends_at)

    def get_extra_info(self, info: str) -> object:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)

    def _left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("time is over")
        return left


def addresses_of(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host. Raises httpcore.ConnectError if it has none."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("its name is not known.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _addresses_within(seconds: float, host: str, port: int) -> list[str]:
    """Return `addresses_of` within a time. `getaddrinfo` has no limit: a late answer reaches only its thread."""
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result(addresses_of(host, port))
        except httpcore.ConnectError as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name="webhook-name", daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError:
        raise httpcore.ConnectTimeout("its name was not resolved in time") from None


def is_own_address(address: str) -> bool:
    """Return whether an address is one of this machine's: only those can be bound to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
