"""How much the archives of a job may hold when they are unpacked. Pure."""

from dataclasses import asdict, dataclass

GIGABYTE = 1000**3


@dataclass(frozen=True)
class ArchiveLimits:
    """The limits that `unpacker.py` keeps. Those of bytes and members are for all archives of a job together.

    An archive may hold `ratio` times its own size, and `small_bytes` whatever its size: text of solvers shrinks to a
    tenth, fields of zeros to less. `archive_seconds` is for one archive; none is begun after `start_seconds`.
    """

    bytes: int
    ratio: int = 100
    small_bytes: int = 100 * 1000**2
    members: int = 200_000
    depth: int = 50
    path_bytes: int = 1000
    memory_bytes: int = 2 * 1024**3
    archive_seconds: int = 540
    start_seconds: int = 60

    def as_json(self) -> dict[str, int]:
        """Return the limits as the program on the node reads them."""
        return asdict(self)
