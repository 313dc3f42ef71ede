"""Check a core type or an analysis as an administrator describes it, before anything is stored. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.refusals import Refused
from jobs.catalogue.refusal_reasons import CatalogueRefusal
from jobs.costs.rates import PRICE_RULE, is_price

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z", re.ASCII)
ANALYSIS_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
VERSION_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}\Z", re.ASCII)
MAX_NAME, MAX_TEXT, MAX_SCRIPT = 80, 2000, 64 * 1024
MAX_CORES, MAX_CHOICES, MAX_VERSIONS = 1024, 64, 200
MAX_MEMORY_MB, MAX_STORAGE_GB = 1024 * 1024, 1024 * 1024


@dataclass(frozen=True)
class CoreTypeDraft:
    """A core type as it is asked for. Memory is in MB per core, storage in GB, the price per core and hour
    in the currency of the rate card.
    """

    code: str
    name: str
    cores: Sequence[int]
    memory_mb_per_core: int
    price_per_core_hour: Decimal
    description: str = ""
    processor: str = ""
    storage_gb: int = 0
    ssh_port: int = 22
    display_order: int = 0
    is_active: bool = True


@dataclass(frozen=True)
class VersionDraft:
    """A version of an analysis as it is asked for. No allowed core types means every core type."""

    code: str
    name: str
    allowed_core_types: Sequence[str] = ()
    environment_script: str = ""


@dataclass(frozen=True)
class AnalysisDraft:
    """An analysis as it is asked for. The first of its versions is the default."""

    code: str
    name: str
    versions: Sequence[VersionDraft]
    description: str = ""
    vendor_name: str = ""
    accepts_any_version: bool = False
    display_order: int = 0
    is_active: bool = True


def core_type_problems(draft: CoreTypeDraft) -> list[Refused]:
    """Return every problem of a core type, each with its field."""
    checks = [
        (
            CODE.match(draft.code) is not None,
            "code",
            "A code has at most 40 letters, digits, - and _, and starts with a letter or digit.",
        ),
        (
            _is_name(draft.name, MAX_NAME),
            "name",
            f"Give a name of at most {MAX_NAME} characters, all printable.",
        ),
        (
            _is_text(draft.description),
            "description",
            f"A description has at most {MAX_TEXT} characters, all printable.",
        ),
        (
            len(draft.processor) <= 120 and draft.processor.isprintable(),
            "processor",
            "A processor is described in at most 120 printable characters.",
        ),
        (
            _are_cores(draft.cores),
            "cores",
            f"Give a node's possible numbers of cores: 1 to {MAX_CHOICES} whole numbers up to {MAX_CORES}, ascending.",
        ),
        (
            1 <= draft.memory_mb_per_core <= MAX_MEMORY_MB,
            "memory",
            f"Memory is 1 to {MAX_MEMORY_MB} MB per core.",
        ),
        (
            0 <= draft.storage_gb <= MAX_STORAGE_GB,
            "storage",
            f"Storage is 0 to {MAX_STORAGE_GB} GB.",
        ),
        (
            is_price(draft.price_per_core_hour),
            "price",
            f"A price per core and hour is a number {PRICE_RULE}.",
        ),
        (
            1 <= draft.ssh_port <= 65535,
            "ssh_port",
            "A port is a whole number from 1 to 65535; SSH's own is 22.",
        ),
        (
            0 <= draft.display_order <= 10**6,
            "display_order",
            "The place in the list is a whole number from 0 on.",
        ),
    ]
    return [
        Refused(CatalogueRefusal.CORE_TYPE_INVALID, text, field=field) for ok, field, text in checks if not ok
    ]


def analysis_problems(draft: AnalysisDraft) -> list[Refused]:
    """Return every problem of an analysis, each with its field."""
    checks = [
        (
            ANALYSIS_CODE.match(draft.code) is not None,
            "code",
            "A code has at most 64 letters, digits, - and _, and starts with a letter or digit.",
        ),
        (_is_name(draft.name, 120), "name", "Give a name of at most 120 characters, all printable."),
        (
            _is_text(draft.description),
            "description",
            f"A description has at most {MAX_TEXT} characters, all printable.",
        ),
        (
            len(draft.vendor_name) <= 120 and draft.vendor_name.isprintable(),
            "vendor_name",
            "A vendor's name has at most 120 characters, all printable.",
        ),
        (
            0 <= draft.display_order <= 10**6,
            "display_order",
            "The place in the list is a whole number from 0 on.",
        ),
    ]
    found = [(field, text) for ok, field, text in checks if not ok]
    found += [("versions", text) for text in _version_problems(draft.versions)]
    return [Refused(CatalogueRefusal.ANALYSIS_INVALID, text, field=field) for field, text in found]


def _version_problems(versions: Sequence[VersionDraft]) -> list[str]:
    if not 1 <= len(versions) <= MAX_VERSIONS:
        return [f"An analysis has 1 to {MAX_VERSIONS} versions."]
    codes = [version.code for version in versions]
    found = [f"Two versions have the code {code}." for code in dict.fromkeys(codes) if codes.count(code) > 1]
    for version in versions:
        label = version.code[:80] if version.code.isprintable() and version.code else "A version"
        if VERSION_CODE.match(version.code) is None:
            found.append(
                "A version's code has at most 80 letters, digits and . _ + -, and starts with no sign."
            )
        if not _is_name(version.name, 80):
            found.append(f"{label}: give a name of at most 80 characters, all printable.")
        if any(CODE.match(code) is None for code in version.allowed_core_types):
            found.append(f"{label}: name core types by their codes.")
        if not _is_script(version.environment_script):
            found.append(
                f"{label}: an environment script has at most {MAX_SCRIPT // 1024} kB and no control characters."
            )
    return found


def _is_name(text: str, longest: int) -> bool:
    return bool(text.strip()) and len(text) <= longest and text.isprintable()


def _is_text(text: str) -> bool:
    return len(text) <= MAX_TEXT and all(c.isprintable() or c in "\n\t" for c in text)


def _is_script(text: str) -> bool:
    is_clean = all((ord(c) >= 32 or c in "\t\n") and not 0xD800 <= ord(c) <= 0xDFFF for c in text)
    return is_clean and len(text.encode("utf-8", "replace")) <= MAX_SCRIPT


def _are_cores(cores: Sequence[int]) -> bool:
    return 1 <= len(cores) <= MAX_CHOICES and all(
        1 <= count <= MAX_CORES and count > before for before, count in zip([0, *cores], cores, strict=False)
    )
