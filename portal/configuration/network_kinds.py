"""Kinds of values that name something on a network: addresses, networks, hosts, origins and URLs."""

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from portal.configuration.setting import WrongValue
from sshgateway.ssh import known_hosts

# The path of a unix socket may have 107 bytes.
SOCKET_PATH_LIMIT = 107
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_LOOKS_NUMERIC = re.compile(r"[0-9.]+")


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host_name(text: str) -> bool:
    """Return whether a text is a host name; four numbers with a mistake are none."""
    return bool(_HOST_NAME.fullmatch(text)) and not _LOOKS_NUMERIC.fullmatch(text)


def bracketed(host: str) -> str:
    """Return a host as it is written in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@dataclass(frozen=True)
class Host:
    """A host name or an address."""

    described: str = "host name or address"

    def parse(self, text: str) -> str:
        """Return the host, an IPv6 address without brackets."""
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if not (is_address(bare) or is_host_name(text)):
            raise WrongValue(
                "is not a host name or an address", "Write it without scheme and port, for example 127.0.0.1."
            )
        return bare


@dataclass(frozen=True)
class AllowedHost:
    """A host that people may use in the portal's URL: a name, `.example.org` with its subdomains, an address, `*`."""

    described: str = "host name"

    def parse(self, text: str) -> str:
        """Return the host as Django's ALLOWED_HOSTS has it."""
        if text == "*":
            return text
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if is_address(bare):
            return bracketed(bare)
        if not is_host_name(text.removeprefix(".")):
            raise WrongValue("is not a host", "Write hosts without scheme, port and path.")
        return text.lower()


@dataclass(frozen=True)
class Origin:
    """A scheme and a host, with a port if it is not the usual one."""

    described: str = "origin"

    def parse(self, text: str) -> str:
        """Return the origin without a trailing slash."""
        url = _split(text)
        host = (url.hostname or "").removeprefix("*.") if url else ""
        if (
            url is None
            or url.scheme not in ("http", "https")
            or not (is_host_name(host) or is_address(host))
            or url.path not in ("", "/")
            or url.query
            or url.fragment
            or "@" in url.netloc
        ):
            raise WrongValue("is not an origin", "Write https://, the host and nothing after it.")
        return f"{url.scheme}://{url.netloc}"


@dataclass(frozen=True)
class NetworkAddress:
    """A single address."""

    described: str = "address"

    def parse(self, text: str) -> str:
        """Return the address."""
        if not is_address(text):
            raise WrongValue("is not an address", "Write addresses, not networks or names.")
        return text


@dataclass(frozen=True)
class NetworkBlock:
    """An address, or a network such as 10.0.0.0/8."""

    may_be_everything: bool = True
    described: str = "network"

    def parse(self, text: str) -> str:
        """Return the network as it was written."""
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise WrongValue("is not a network", "Write addresses or networks, not names.") from None
        if network.prefixlen == 0 and not self.may_be_everything:
            raise WrongValue(
                "is every address, so that any client could claim any source address",
                "Name your proxy's own address.",
            )
        return text


@dataclass(frozen=True)
class NodeNetwork:
    """A network that the host authority can vouch for: known_hosts patterns must be able to express it."""

    described: str = "network"

    def parse(self, text: str) -> str:
        """Return the network as it was written."""
        try:
            known_hosts.patterns("portal", [text])
        except ValueError as error:
            raise WrongValue(
                f"cannot be used: {str(error).rstrip('.')}",
                "Write the networks that nodes have their addresses in.",
            ) from None
        return text


@dataclass(frozen=True)
class ServiceURL:
    """The URL of a service, or `unix:` with the path of a socket."""

    schemes: tuple[str, ...]
    example: str
    may_have_path: bool = True
    ends_in_slash: bool = False

    @property
    def described(self) -> str:
        """Return the schemes."""
        return "URL: " + " or ".join(f"{scheme}:" for scheme in self.schemes)

    def parse(self, text: str) -> str:
        """Return the URL."""
        hint = f"Example: {self.example}."
        url = _split(text)
        if url is None or url.scheme not in self.schemes:
            raise WrongValue(
                f"is not a URL that starts with {' or '.join(f'{s}:' for s in self.schemes)}", hint
            )
        if url.scheme == "unix":
            _check_socket_path(url, hint)
            return text
        if not url.hostname or any(letter.isspace() for letter in text):
            raise WrongValue("is a URL without a host", hint)
        if not self.may_have_path and url.path not in ("", "/"):
            raise WrongValue(
                "is a URL with a path or a database number", f"Leave out everything after the port. {hint}"
            )
        return text if text.endswith("/") or not self.ends_in_slash else f"{text}/"


@dataclass(frozen=True)
class DatabaseURL:
    """The URL of an SQLite file or of a PostgreSQL database."""

    described: str = "URL: `postgres:` or `sqlite:`"

    def parse(self, text: str) -> str:
        """Return the URL."""
        hint = "Write postgres://user:password@host:5432/database or sqlite:////path/to/file."
        url = _split(text)
        if url is None or url.scheme not in ("postgres", "postgresql", "sqlite"):
            raise WrongValue("is not the URL of a PostgreSQL or SQLite database", hint)
        if url.scheme == "sqlite" and (url.netloc or ":memory:" in text):
            raise WrongValue("does not name a file, which all processes could share", hint)
        if not unquote(url.path).strip("/"):
            raise WrongValue("names no database", hint)
        return text


@dataclass(frozen=True)
class EmailURL:
    """The URL of a mail server, with the name and password to log in with if it wants them."""

    described: str = "URL: smtp: or smtp+tls: or smtps:"

    def parse(self, text: str) -> str:
        """Return the URL."""
        hint = "Write smtp+tls://user:password@mail.example.org:587; smtps: and smtp: are known, too."
        url = _split(text)
        if url is None or url.scheme not in SMTP_PORTS:
            raise WrongValue("is not the URL of a mail server", hint)
        if not url.hostname or any(letter.isspace() for letter in text):
            raise WrongValue("is a URL without a host", hint)
        if url.path not in ("", "/") or url.query or url.fragment:
            raise WrongValue("has something after the port", f"Percent-encode / and @ in a password. {hint}")
        return text

    @staticmethod
    def django_settings(url: SplitResult) -> dict[str, object]:
        """Return Django's settings for a URL that was parsed."""
        return {
            "EMAIL_HOST": url.hostname or "",
            "EMAIL_PORT": url.port or SMTP_PORTS[url.scheme],
            "EMAIL_HOST_USER": unquote(url.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
            "EMAIL_USE_TLS": url.scheme == "smtp+tls",
            "EMAIL_USE_SSL": url.scheme == "smtps",
        }


def _split(text: str) -> SplitResult | None:
    """Return the parts of a URL; None if it is malformed, its port included."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return None
    return url


def _check_socket_path(url: SplitResult, hint: str) -> None:
    if not url.path.startswith("/") or (url.netloc and not url.netloc.endswith("@")):
        raise WrongValue("does not name the whole path of a socket", hint)
    if len(os.fsencode(unquote(url.path))) > SOCKET_PATH_LIMIT:
        raise WrongValue(
            f"has a path of more than {SOCKET_PATH_LIMIT} bytes, the limit for unix sockets",
            "Choose a shorter path.",
        )
