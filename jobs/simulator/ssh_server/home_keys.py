"""The keys in a home's own ~/.ssh/authorized_keys, with OpenSSH's options. Pure."""

import functools
from dataclasses import dataclass

import asyncssh

MAX_LINES, LONGEST_LINE = 100, 20_000
FILES_REMEMBERED = 64


@dataclass(frozen=True)
class HomeKeys:
    """The readable lines of one file, and the keys and authorities (`cert-authority`) they name."""

    entries: tuple[asyncssh.SSHAuthorizedKeys, ...] = ()
    keys: frozenset[bytes] = frozenset()
    authorities: frozenset[bytes] = frozenset()

    @staticmethod
    @functools.lru_cache(maxsize=FILES_REMEMBERED)
    def remembered(text: str) -> "HomeKeys":
        """Like `parse`, but remembered: a file is parsed when it changes, not at every attempt to log in."""
        return HomeKeys.parse(text)

    @classmethod
    def parse(cls, text: str) -> "HomeKeys":
        """Parse a file line by line; a line that cannot be read affects only itself."""
        entries: list[asyncssh.SSHAuthorizedKeys] = []
        keys: set[bytes] = set()
        authorities: set[bytes] = set()
        for line in text.splitlines()[:MAX_LINES]:
            line = line.strip()
            if not line or line.startswith("#") or len(line) > LONGEST_LINE:
                continue
            try:
                entry = asyncssh.import_authorized_keys(line)
            except (ValueError, asyncssh.KeyImportError):
                continue
            entries.append(entry)
            keys |= {each.key.public_data for each in entry._user_entries if each.key is not None}
            authorities |= {each.key.public_data for each in entry._ca_entries if each.key is not None}
        return cls(tuple(entries), frozenset(keys), frozenset(authorities))

    def has_key(self, blob: bytes) -> bool:
        """Return whether the file names this key."""
        return blob in self.keys

    def has_authority(self, blob: bytes) -> bool:
        """Return whether the file names this key as an authority."""
        return blob in self.authorities
