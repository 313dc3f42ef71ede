"""What a cluster is to become: its members and their roles, the launch's data, the scripts of its phases, its policy.

Pure: no I/O, no Django. `read` takes the JSON that a cluster's row keeps (`Cluster.plan`) or that somebody wrote, and
refuses it with a sentence and the place at fault (`members[1].requires`); `ContextPlan.as_json` gives it back.
`plain` is the plan of a job that says nothing of all this: one head, the rest compute nodes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from accounts.refusals import Refused

MOST_MEMBERS = 64
MOST_ROLES = 16
MOST_DATA = 64
MOST_CORES = 4096
LONGEST_SCRIPT = 64 * 1024
LONGEST_TEXTS = 256 * 1024  # all data of a launch together, and all scripts of one member
LONGEST_PHASE_SECONDS = 3600
USUAL_PHASE_SECONDS = 120
LONGEST_HOLD_HOURS = 24 * 7
HEAD = "head"
BAD = "plan_invalid"

_MEMBER_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# It becomes a file's name on the nodes.
_DATA_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_CORE_TYPE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_TAKEN = ("root", "nobody", "localhost")


class Phase(StrEnum):
    """What a node does to become a member, in this order."""

    HOSTS = "hosts"  # know every member by name
    PEERS = "peers"  # know the members that provide what this one requires
    THIS_HOST = "this_host"  # make itself what its roles say
    DATA = "data"  # take the launch's data
    FINALIZE = "finalize"  # whatever is to be done once all else is


class OnError(StrEnum):
    """What becomes of a cluster whose nodes did not all come up."""

    BACK_OUT = "back_out"  # take everything away
    HOLD = "hold"  # keep what is up, for a while, to look into it
    CONTINUE = "continue"  # go on with the nodes that are up, if they are enough


@dataclass(frozen=True)
class Member:
    """One node: what it is made of, what it offers the others, what it needs of them, its scripts by phase."""

    name: str
    role: str
    core_type: str
    cores: int
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    scripts: Mapping[Phase, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form `read` takes."""
        return {
            "name": self.name,
            "role": self.role,
            "core_type": self.core_type,
            "cores": self.cores,
            "provides": list(self.provides),
            "requires": list(self.requires),
            "scripts": {phase.value: text for phase, text in self.scripts.items()},
        }


@dataclass(frozen=True)
class Policy:
    """What to do about nodes that fail: `at_least_percent` counts for `continue`, `hold_hours` for `hold`."""

    on_error: OnError = OnError.BACK_OUT
    at_least_percent: int = 80
    hold_hours: float = 4

    def as_json(self) -> dict[str, Any]:
        """The form `read` takes."""
        return {
            "on_error": self.on_error.value,
            "at_least_percent": self.at_least_percent,
            "hold_hours": self.hold_hours,
        }


@dataclass(frozen=True)
class ContextPlan:
    """The whole plan. Exactly one member is the head and is named so; every required role has a provider."""

    members: tuple[Member, ...]
    data: Mapping[str, str] = field(default_factory=dict)
    phase_timeouts: Mapping[Phase, int] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    def member(self, name: str) -> Member:
        """The member of this name. Raises KeyError."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def providers(self, role: str) -> tuple[str, ...]:
        """The names of the members that provide a role, in the plan's order."""
        return tuple(member.name for member in self.members if role in member.provides)

    def timeout_seconds(self, phase: Phase) -> int:
        """How long a phase may take."""
        return self.phase_timeouts.get(phase, USUAL_PHASE_SECONDS)

    def as_json(self) -> dict[str, Any]:
        """The form `read` takes and `Cluster.plan` keeps."""
        return {
            "members": [member.as_json() for member in self.members],
            "data": dict(self.data),
            "phase_timeouts": {phase.value: seconds for phase, seconds in self.phase_timeouts.items()},
            "policy": self.policy.as_json(),
        }


def plain_plan(core_type: str, cores: int, slots: int) -> ContextPlan:
    """The plan of a plain job: `slots` nodes of one core type, the first of them the head."""
    names = [HEAD, *(f"compute-{number}" for number in range(1, slots))]
    return ContextPlan(
        tuple(Member(name, HEAD if name == HEAD else "compute", core_type, cores) for name in names)
    )


def read_plan(document: object) -> ContextPlan:
    """The plan of its JSON form.

    Raises Refused (`plan_invalid`) whose `field` is the place at fault, such as `members[1].scripts.data`.
    """
    known = _object(document, "", {"members", "data", "phase_timeouts", "policy"})
    listed = known.get("members")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) <= MOST_MEMBERS:
        raise _bad("members", f"A cluster has a list of 1 to {MOST_MEMBERS} members.")
    members = tuple(_member(member, f"members[{index}]") for index, member in enumerate(listed))
    _check_together(members)
    return ContextPlan(
        members,
        _data(known.get("data", {})),
        _timeouts(known.get("phase_timeouts", {})),
        read_policy(known.get("policy", {})),
    )


def read_policy(said: object) -> Policy:
    """The policy of its JSON form; what it leaves out is as usual. Raises Refused (`plan_invalid`)."""
    known = _object(said, "policy", {"on_error", "at_least_percent", "hold_hours"}, "A policy")
    usual = Policy()
    on_error = known.get("on_error", usual.on_error)
    if not isinstance(on_error, str) or on_error not in set(OnError):
        raise _bad("policy.on_error", f"{_shown(on_error)} is no policy: say {', '.join(OnError)}.")
    percent = known.get("at_least_percent", usual.at_least_percent)
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= 100:
        raise _bad("policy.at_least_percent", "at_least_percent is a whole number from 1 to 100.")
    hours = known.get("hold_hours", usual.hold_hours)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 < hours <= LONGEST_HOLD_HOURS:
        raise _bad(
            "policy.hold_hours",
            f"hold_hours is a number of hours greater than 0, up to {LONGEST_HOLD_HOURS}.",
        )
    return Policy(OnError(on_error), percent, hours)


def _member(said: object, at: str) -> Member:
    known = _object(
        said, at, {"name", "role", "core_type", "cores", "provides", "requires", "scripts"}, "A member"
    )
    name, role, core_type, cores = (known.get(key) for key in ("name", "role", "core_type", "cores"))
    if not isinstance(name, str) or not _MEMBER_NAME.fullmatch(name) or name in _TAKEN:
        raise _bad(
            f"{at}.name",
            f"{_shown(name)} cannot name a member: use up to 32 lower-case letters, digits and hyphens, a letter "
            "first.",
        )
    if role not in (HEAD, "compute"):
        raise _bad(f"{at}.role", f"{_shown(role)} is no role of a node: say head or compute.")
    if (role == HEAD) != (name == HEAD):
        raise _bad(f"{at}.role", "The head node, and no other, is named head.")
    if not isinstance(core_type, str) or not _CORE_TYPE.fullmatch(core_type):
        raise _bad(
            f"{at}.core_type", f"{_shown(core_type)} is no core type: say the code of one, such as emerald."
        )
    if not isinstance(cores, int) or isinstance(cores, bool) or not 1 <= cores <= MOST_CORES:
        raise _bad(f"{at}.cores", f"A member has 1 to {MOST_CORES} cores.")
    return Member(
        name,
        str(role),
        core_type,
        cores,
        _roles(known.get("provides", []), f"{at}.provides"),
        _roles(known.get("requires", []), f"{at}.requires"),
        _scripts(known.get("scripts", {}), f"{at}.scripts"),
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


def _roles(said: object, at: str) -> tuple[str, ...]:
    if not isinstance(said, Sequence) or isinstance(said, str) or len(said) > MOST_ROLES:
        raise _bad(at, f"Roles are a list of at most {MOST_ROLES} names.")
    for role in said:
        if not isinstance(role, str) or not _ROLE_NAME.fullmatch(role):
            raise _bad(
                at,
                f"{_shown(role)} cannot name a role: use up to 32 lower-case letters, digits, hyphens and "
                "underscores, a letter first.",
            )
    return tuple(dict.fromkeys(said))


def _scripts(said: object, at: str) -> dict[Phase, str]:
    known = _object(said, at, set(Phase), "The scripts of a member")
    scripts = {}
    for phase in Phase:
        if phase in known:
            scripts[phase] = _text(known[phase], f"{at}.{phase}", LONGEST_SCRIPT)
            if not scripts[phase].strip():
                raise _bad(f"{at}.{phase}", "The script is empty. Leave it out, or say what it does.")
    _check_size(scripts.values(), at, "The scripts of one member")
    return scripts


def _data(said: object) -> dict[str, str]:
    if not isinstance(said, Mapping) or len(said) > MOST_DATA:
        raise _bad("data", f"Data is at most {MOST_DATA} texts by name.")
    for name in said:
        if not isinstance(name, str) or not _DATA_NAME.fullmatch(name):
            raise _bad(
                "data",
                f"{_shown(name)} cannot name data, because it becomes a file's name: use up to 64 letters, digits, "
                "dots, hyphens and underscores, no dot or hyphen first.",
            )
    data = {name: _text(text, f"data.{name}", LONGEST_TEXTS) for name, text in said.items()}
    _check_size(data.values(), "data", "All data together")
    return data


def _timeouts(said: object) -> dict[Phase, int]:
    known = _object(said, "phase_timeouts", set(Phase), "phase_timeouts")
    timeouts = {}
    for phase in Phase:
        seconds = known.get(phase)
        if phase not in known:
            continue
        if (
            not isinstance(seconds, int)
            or isinstance(seconds, bool)
            or not 1 <= seconds <= LONGEST_PHASE_SECONDS
        ):
            raise _bad(
                f"phase_timeouts.{phase}", f"A phase may take 1 to {LONGEST_PHASE_SECONDS} whole seconds."
            )
        timeouts[phase] = seconds
    return timeouts


def _object(said: object, at: str, keys: set[Any], what: str = "A plan") -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise _bad(at or "plan", f"{what} is an object with the keys {', '.join(sorted(map(str, keys)))}.")
    for key in said:
        if key not in keys:
            raise _bad(
                f"{at}.{key}".lstrip(".") if isinstance(key, str) else at or "plan",
                f"{what} has no {_shown(key)}; it has {', '.join(sorted(map(str, keys)))}.",
            )
    return said


def _text(said: object, at: str, longest: int) -> str:
    if not isinstance(said, str) or _UNWRITABLE.search(said):
        raise _bad(at, "This must be a text without NUL characters or halves of surrogate pairs.")
    if _size(said) > longest:
        raise _bad(at, f"This text has {_size(said) // 1024} kB; at most {longest // 1024} kB are allowed.")
    return said


def _check_size(texts: Any, at: str, what: str) -> None:
    if sum(map(_size, texts)) > LONGEST_TEXTS:
        raise _bad(at, f"{what} may have {LONGEST_TEXTS // 1024} kB.")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _shown(value: object) -> str:
    return f"'{value[:40]}'" if isinstance(value, str) else repr(value)[:40]


def _bad(at: str, message: str) -> Refused:
    return Refused(BAD, message, field=at)
