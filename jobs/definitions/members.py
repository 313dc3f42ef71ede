"""Read the `[[members]]` of a definition: names, hardware and roles. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.context.context_plan import HEAD, MAX_ROLES, Member
from jobs.definitions import plan_checks, scripts
from jobs.definitions.catalogue import Catalogue, CoreTypeOffer
from jobs.definitions.problems import Path, Problems, quoted, suggestion
from jobs.definitions.table import Table
from jobs.node_contract.phases import Phase

KEYS = ("name", "prefix", "count", "role", "core_type", "cores", "provides", "requires", "scripts")
HOW_TO_NAME = 'prefix = "compute" and count = 3 make compute-1, compute-2 and compute-3'


@dataclass
class _Reading:
    """What has been read so far."""

    catalogue: Catalogue
    problems: Problems
    shared_scripts: Mapping[Phase, str]
    members: list[Member] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)  # last number used for each prefix
    total: int = 0
    is_all_named: bool = True


def read_members(
    listed: Any, catalogue: Catalogue, shared_scripts: Mapping[Phase, str], problems: Problems
) -> list[Member]:
    """Return all members, with `count` expanded. Adds what is wrong with them to `problems`."""
    reading = _Reading(catalogue, problems, shared_scripts)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        problems.add(
            ("members",), "must be written [[members]], in two brackets, once for each kind of node."
        )
        return []
    limit = catalogue.max_members
    if len(listed) > limit:
        problems.add(("members",), f"a cluster has at most {limit} members; these are {len(listed)}.")
        return []
    for number, entry in enumerate(listed):
        _read_entry(reading, Table(entry, ("members", number), problems, KEYS))
    if reading.total > limit:
        problems.add(("members",), f"a cluster has at most {limit} members; these are {reading.total}.")
    if HEAD not in reading.names and reading.total <= limit and reading.is_all_named:
        problems.add(("members",), f'one member must be the head node: give one the name = "{HEAD}".')
    _check_requirements(reading, listed)
    return reading.members


def _read_entry(reading: _Reading, table: Table) -> None:
    hardware, cores = _hardware(reading.catalogue, table)
    provides = _roles(table, "provides")
    requires = _roles(table, "requires")
    own = scripts.read_scripts(table)
    names = _names(reading, table)
    role = table.text("role", max_bytes=40)
    if role is not None and role not in (HEAD, "compute"):
        table.bad("role", f"{quoted(role)} is not a role of a node{suggestion(role, (HEAD, 'compute'))}")
    for name in names:
        if role in (HEAD, "compute") and (role == HEAD) != (name == HEAD):
            table.bad("role", f"the head node, and no other, is named {HEAD}.")
        together = {**reading.shared_scripts, **own}
        if refused := plan_checks.member_refusal(scripts=together):
            table.bad("scripts", refused)
        kind = HEAD if name == HEAD else "compute"
        code = hardware.code if hardware else ""
        reading.members.append(Member(name, kind, code, cores, provides, requires, together))


def _names(reading: _Reading, table: Table) -> list[str]:
    """Return the names of the nodes that one table describes."""
    name, prefix = table.text("name", max_bytes=200), table.text("prefix", max_bytes=200)
    if "name" in table.values:
        for other in ("prefix", "count"):
            if other in table.values:
                table.bad(other, f"cannot be combined with name: {HOW_TO_NAME}.")
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
    return _new_names(reading, table, key, names)


def _new_names(reading: _Reading, table: Table, key: str, names: list[str]) -> list[str]:
    """Return the names that are valid and not used yet. Stops at the first invalid one: the others are like it."""
    new = []
    for name in names:
        if refused := _name_refusal(name):
            table.bad(key, refused)
            break
        if name in reading.names:
            table.bad(key, f"two members are named {name}.")
        else:
            reading.names.add(name)
            new.append(name)
    return new


def _name_refusal(name: str) -> str:
    if name.startswith("ip-"):
        return "a name that begins with ip- is reserved: the nodes' own host names look like that."
    return plan_checks.name_refusal(name)


def _count(reading: _Reading, table: Table) -> int:
    limit = reading.catalogue.max_members
    if table.lacks("count"):
        table.bad("count", f"is missing: {HOW_TO_NAME}.")
    return table.whole("count", minimum=1, maximum=limit) or 0


def _hardware(catalogue: Catalogue, table: Table) -> tuple[CoreTypeOffer | None, int]:
    code = table.text("core_type", max_bytes=200)
    codes = list(catalogue.core_types)
    if table.lacks("core_type"):
        table.bad("core_type", f"is missing. Choose one of: {', '.join(codes)}.")
    hardware = catalogue.core_types.get(code) if code is not None else None
    if code is not None and hardware is None:
        table.bad("core_type", f"there is no core type {quoted(code)}{suggestion(code, codes)}")
    if hardware is None:
        return None, 1
    cores = table.values.get("cores", min(hardware.cores, default=1))
    if isinstance(cores, bool) or not isinstance(cores, int) or cores not in hardware.cores:
        choices = ", ".join(map(str, hardware.cores))
        table.bad("cores", f"{hardware.name} has no node of {quoted(cores)} cores. Choose one of: {choices}.")
        return hardware, 1
    return hardware, cores


def _roles(table: Table, key: str) -> tuple[str, ...]:
    roles = table.short_texts(key, maximum=MAX_ROLES)
    for number, role in enumerate(table.values.get(key, []) if roles else []):
        if role in roles and (refused := plan_checks.member_refusal(provides=[role])):
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
                reading.problems.add(at, f"no member provides {quoted(role)}{hint}")
