"""The `[[members]]` of a definition: names given or counted, hardware on offer, roles that fit together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.context.plan import HEAD, MOST_ROLES, Member, Phase
from jobs.definitions import plan_checks, scripts
from jobs.definitions.catalogue import Catalogue, Hardware
from jobs.definitions.problems import Path, Problems, shown, suggestion
from jobs.definitions.table import Table

KEYS = ("name", "prefix", "count", "role", "core_type", "cores", "provides", "requires", "scripts")
HOW_TO_NAME = 'prefix = "compute" and count = 3 make compute-1, compute-2 and compute-3'


@dataclass
class _Reading:
    """What is known so far."""

    catalogue: Catalogue
    problems: Problems
    shared_scripts: Mapping[Phase, str]
    members: list[Member] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)  # the last number of each prefix
    total: int = 0
    is_all_named: bool = True


def read(
    listed: Any, catalogue: Catalogue, shared_scripts: Mapping[Phase, str], problems: Problems
) -> list[Member]:
    """All members, numbered ones one by one; what is wrong with them goes to `problems`."""
    reading = _Reading(catalogue, problems, shared_scripts)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        problems.add(
            ("members",), "must be written [[members]], in two brackets, once for each kind of node."
        )
        return []
    most = catalogue.most_members
    if len(listed) > most:
        problems.add(("members",), f"a cluster has at most {most} members; these are {len(listed)}.")
        return []
    for number, entry in enumerate(listed):
        _read_entry(reading, Table(entry, ("members", number), problems, KEYS))
    if reading.total > most:
        problems.add(("members",), f"a cluster has at most {most} members; these are {reading.total}.")
    if HEAD not in reading.names and reading.total <= most and reading.is_all_named:
        problems.add(("members",), f'one member must be the head node: give one the name = "{HEAD}".')
    _check_requirements(reading, listed)
    return reading.members


def _read_entry(reading: _Reading, table: Table) -> None:
    hardware, cores = _hardware(reading.catalogue, table)
    provides = _roles(table, "provides")
    requires = _roles(table, "requires")
    own = scripts.read(table)
    names = _names(reading, table)
    role = table.text("role", most_bytes=40)
    if role is not None and role not in (HEAD, "compute"):
        table.bad("role", f"{shown(role)} is no role of a node{suggestion(role, (HEAD, 'compute'))}")
    for name in names:
        if role in (HEAD, "compute") and (role == HEAD) != (name == HEAD):
            table.bad("role", f"the head node, and no other, is named {HEAD}.")
        together = {**reading.shared_scripts, **own}
        if refused := plan_checks.of_member(scripts=together):
            table.bad("scripts", refused)
        kind = HEAD if name == HEAD else "compute"
        code = hardware.code if hardware else ""
        reading.members.append(Member(name, kind, code, cores, provides, requires, together))


def _names(reading: _Reading, table: Table) -> list[str]:
    """The names of the nodes that one table makes."""
    name, prefix = table.text("name", most_bytes=200), table.text("prefix", most_bytes=200)
    if "name" in table.values:
        for other in ("prefix", "count"):
            if other in table.values:
                table.bad(other, f"goes without a name: {HOW_TO_NAME}.")
        key, names = "name", [] if name is None else [name]
    elif "prefix" in table.values:
        count = _count(reading, table)
        first = reading.numbers.get(prefix or "", 0) + 1
        key, names = "prefix", [f"{prefix}-{number}" for number in range(first, first + count) if prefix]
        reading.numbers[prefix or ""] = first + count - 1
    else:
        reading.is_all_named = False
        if table.lacks("name") and table.lacks("prefix"):
            reading.problems.add(table.path, f'needs a name, such as name = "{HEAD}", or: {HOW_TO_NAME}.')
        return []
    reading.total += len(names)
    good = []
    for name in names:
        if refused := _name_refusal(name):
            table.bad(key, refused)
            break
        if name in reading.names:
            table.bad(key, f"two members are named {name}.")
        else:
            reading.names.add(name)
            good.append(name)
    return good


def _name_refusal(name: str) -> str:
    if name.startswith("ip-"):
        return "a name that begins with ip- is taken: the nodes' own host names look so."
    return plan_checks.of_name(name)


def _count(reading: _Reading, table: Table) -> int:
    most = reading.catalogue.most_members
    if table.lacks("count"):
        table.bad("count", f"is missing: {HOW_TO_NAME}.")
    return table.whole("count", least=1, most=most) or 0


def _hardware(catalogue: Catalogue, table: Table) -> tuple[Hardware | None, int]:
    code = table.text("core_type", most_bytes=200)
    codes = list(catalogue.core_types)
    if table.lacks("core_type"):
        table.bad("core_type", f"is missing: say which, one of {', '.join(codes)}.")
    hardware = catalogue.core_types.get(code) if code is not None else None
    if code is not None and hardware is None:
        table.bad("core_type", f"there is no core type {shown(code)}{suggestion(code, codes)}")
    if hardware is None:
        return None, 1
    cores = table.values.get("cores", min(hardware.cores, default=1))
    if isinstance(cores, bool) or not isinstance(cores, int) or cores not in hardware.cores:
        choices = ", ".join(map(str, hardware.cores))
        table.bad("cores", f"{hardware.name} has no node of {shown(cores)} cores. Choose one of: {choices}.")
        return hardware, 1
    return hardware, cores


def _roles(table: Table, key: str) -> tuple[str, ...]:
    roles = table.words(key, most=MOST_ROLES)
    for number, role in enumerate(table.values.get(key, []) if roles else []):
        if role in roles and (refused := plan_checks.of_member(provides=[role])):
            table.problems.add((*table.path, key, number), refused)
    return tuple(roles)


def _check_requirements(reading: _Reading, listed: list[dict[str, Any]]) -> None:
    provided = sorted({role for member in reading.members for role in member.provides})
    for number, entry in enumerate(listed):
        path: Path = ("members", number, "requires")
        required = entry.get("requires")
        for index, role in enumerate(required if isinstance(required, list) else []):
            at = (*path, index)
            if isinstance(role, str) and role not in provided and not reading.problems.has(at):
                hint = suggestion(role, provided) if provided else "."
                reading.problems.add(at, f"no member provides {shown(role)}{hint}")
