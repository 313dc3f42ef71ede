"""The sample definitions of docs/samples, for the page to choose from."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings


@dataclass(frozen=True)
class Sample:
    """A definition to begin with. `about` is its first comment."""

    name: str
    about: str
    text: str


@cache
def samples() -> tuple[Sample, ...]:
    """All samples, by name; none where the documentation was left out of an installation."""
    folder = settings.BASE_DIR / "docs" / "samples"
    return tuple(_sample(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.toml")))


def named(name: str) -> Sample | None:
    """The sample of this name."""
    return next((sample for sample in samples() if sample.name == name), None)


def _sample(name: str, text: str) -> Sample:
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return Sample(name, " ".join(comment), text)
