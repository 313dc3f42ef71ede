"""Parse the JSON form of a context plan, and refuse a bad one with the path of the key at fault. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from accounts.refusals import Refused
from jobs.context.context_plan import (
    HEAD,
    MAX_CORES,
    MAX_DATA_ENTRIES,
    MAX_HOLD_HOURS,
    MAX_MEMBERS,
    MAX_PHASE_SECONDS,
    MAX_ROLES,
    MAX_SCRIPT_BYTES,
    MAX_TEXTS_BYTES,
    ContextPlan,
    ContextPolicy,
    Member,
    OnError,
)
from jobs.node_contract.boot_lines import storable_text
from jobs.node_contract.names import is_file_name, is_node_name
from jobs.node_contract.phases import Phase

_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CORE_TYPE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def read_plan(document: object) -> ContextPlan:
    """Parse the JSON form of a plan.

    Raises Refused (`plan_invalid`) whose `field` is the path of the key at fault, such as `members[1].scripts.data`.
    """
    known = _object(document, "", {"members", "data", "phase_timeouts", "policy"})
    listed = known.get("members")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) <= MAX_MEMBERS:
        raise _bad("members", f"A cluster has a list of 1 to {MAX_MEMBERS} members.")
    members = tuple(_member(member, f"members[{index}]") for index, member in enumerate(listed))
    _check_together(members)
    return ContextPlan(
        members,
        _data(known.get("data", {})),
        _timeouts(known.get("phase_timeouts", {})),
        read_policy(known.get("policy", {})),
    )


def read_policy(value: object) -> ContextPolicy:
    """Parse the JSON form of a policy; missing keys get their defaults. Raises Refused (`plan_invalid`)."""
    known = _object(value, "policy", {"on_error", "at_least_percent", "hold_hours"}, "A policy")
    defaults = ContextPolicy()
    on_error = known.get("on_error", defaults.on_error)
    if not isinstance(on_error, str) or on_error not in set(OnError):
        raise _bad("policy.on_error", f"{_quoted(on_error)} is no policy: say {', '.join(OnError)}.")
    percent = known.get("at_least_percent", defaults.at_least_percent)
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= 100:
        raise _bad("policy.at_least_percent", "at_least_percent is a whole number from 1 to 100.")
    hours = known.get("hold_hours", defaults.hold_hours)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 < hours <= MAX_HOLD_HOURS:
        raise _bad(
            "policy.hold_hours",
            f"hold_hours is a number of hours greater than 0, up to {MAX_HOLD_HOURS}.",
        )
    return ContextPolicy(OnError(on_error), percent, hours)


def _member(value: object, path: str) -> Member:
    known = _object(
        value, path, {"name", "role", "core_type", "cores", "provides", "requires", "scripts"}, "A member"
    )
    name, role, core_type, cores = (known.get(key) for key in ("name", "role", "core_type", "cores"))
    if not is_node_name(name):
        raise _bad(
            f"{path}.name",
            f"{_quoted(name)} cannot name a member: use up to 32 lower-case letters, digits and hyphens, a letter "
            "first.",
        )
    if role not in (HEAD, "compute"):
        raise _bad(f"{path}.role", f"{_quoted(role)} is no role of a node: say head or compute.")
    if (role == HEAD) != (name == HEAD):
        raise _bad(f"{path}.role", "The head node, and no other, is named head.")
    if not isinstance(core_type, str) or not _CORE_TYPE.fullmatch(core_type):
        raise _bad(
            f"{path}.core_type",
            f"{_quoted(core_type)} is no core type: say the code of one, such as emerald.",
        )
    if not isinstance(cores, int) or isinstance(cores, bool) or not 1 <= cores <= MAX_CORES:
        raise _bad(f"{path}.cores", f"A member has 1 to {MAX_CORES} cores.")
    return Member(
        name,
        str(role),
        core_type,
        cores,
        _roles(known.get("provides", []), f"{path}.provides"),
        _roles(known.get("requires", []), f"{path}.requires"),
        _scripts(known.get("scripts", {}), f"{path}.scripts"),
    )


def _check_together(members: Sequence[Member]) -> None:
    seen: set[str] = set()
    for index, member in enumerate(members):
        if member.name in seen:
            raise _bad(f"members[{index}].name", f"Two members are named {member.name}.")
        seen.add(member.name)
    if HEAD not in seen:
        raise _bad("members", "One member must be the head node: name it head, with the role head.")
    provided = {role for member in members for role in member.provides}
    for index, member in enumerate(members):
        for role in member.requires:
            if role not in provided:
                raise _bad(
                    f"members[{index}].requires",
                    f"{member.name} requires {role}, which no member provides. Add it to the `provides` of one.",
                )


def _roles(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_ROLES:
        raise _bad(path, f"Roles are a list of at most {MAX_ROLES} names.")
    for role in value:
        if not isinstance(role, str) or not _ROLE_NAME.fullmatch(role):
            raise _bad(
                path,
                f"{_quoted(role)} cannot name a role: use up to 32 lower-case letters, digits, hyphens and "
                "underscores, a letter first.",
            )
    return tuple(dict.fromkeys(value))


def _scripts(value: object, path: str) -> dict[Phase, str]:
    known = _object(value, path, set(Phase), "The scripts of a member")
    scripts = {}
    for phase in Phase:
        if phase in known:
            scripts[phase] = _text(known[phase], f"{path}.{phase}", MAX_SCRIPT_BYTES)
            if not scripts[phase].strip():
                raise _bad(f"{path}.{phase}", "The script is empty. Leave it out, or say what it does.")
    _check_size(scripts.values(), path, "The scripts of one member")
    return scripts


def _data(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_DATA_ENTRIES:
        raise _bad("data", f"Data is at most {MAX_DATA_ENTRIES} texts by name.")
    for name in value:
        if not is_file_name(name):
            raise _bad(
                "data",
                f"{_quoted(name)} cannot name data, because it becomes a file's name: use up to 64 letters, digits, "
                "dots, hyphens and underscores, no dot or hyphen first.",
            )
    data = {name: _text(text, f"data.{name}", MAX_TEXTS_BYTES) for name, text in value.items()}
    _check_size(data.values(), "data", "All data together")
    return data


def _timeouts(value: object) -> dict[Phase, int]:
    known = _object(value, "phase_timeouts", set(Phase), "phase_timeouts")
    timeouts = {}
    for phase in Phase:
        seconds = known.get(phase)
        if phase not in known:
            continue
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= MAX_PHASE_SECONDS:
            raise _bad(f"phase_timeouts.{phase}", f"A phase may take 1 to {MAX_PHASE_SECONDS} whole seconds.")
        timeouts[phase] = seconds
    return timeouts


def _object(value: object, path: str, keys: set[Any], what: str = "A plan") -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(path or "plan", f"{what} is an object with the keys {', '.join(sorted(map(str, keys)))}.")
    for key in value:
        if key not in keys:
            raise _bad(
                f"{path}.{key}".lstrip(".") if isinstance(key, str) else path or "plan",
                f"{what} has no {_quoted(key)}; it has {', '.join(sorted(map(str, keys)))}.",
            )
    return value


def _text(value: object, path: str, longest: int) -> str:
    if not isinstance(value, str) or storable_text(value) != value:
        raise _bad(path, "This must be a text without NUL characters or halves of surrogate pairs.")
    if _size(value) > longest:
        raise _bad(
            path, f"This text has {_size(value) // 1024} kB; at most {longest // 1024} kB are allowed."
        )
    return value


def _check_size(texts: Any, path: str, what: str) -> None:
    if sum(map(_size, texts)) > MAX_TEXTS_BYTES:
        raise _bad(path, f"{what} may have {MAX_TEXTS_BYTES // 1024} kB.")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _quoted(value: object) -> str:
    return f"'{value[:40]}'" if isinstance(value, str) else repr(value)[:40]


def _bad(path: str, message: str) -> Refused:
    return Refused("plan_invalid", message, field=path)
