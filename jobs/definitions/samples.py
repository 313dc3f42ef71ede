"""Load the sample definitions of docs/samples, which the launch page offers."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings


@dataclass(frozen=True)
class Sample:
    """A sample definition. `about` is its first comment."""

    name: str
    about: str
    text: str


@cache
def samples() -> tuple[Sample, ...]:
    """Return all samples by name; empty in an installation without the documentation."""
    folder = settings.BASE_DIR / "docs" / "samples"
    return tuple(_sample(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.toml")))


def find_sample(name: str) -> Sample | None:
    """Return the sample with this name, or None."""
    return next((sample for sample in samples() if sample.name == name), None)


def _sample(name: str, text: str) -> Sample:
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return Sample(name, " ".join(comment), text)
