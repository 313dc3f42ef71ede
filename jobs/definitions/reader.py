"""Read a definition: text in, a `Definition` or every problem out. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence

from accounts.refusals import Refused
from jobs.context.context_plan import (
    MAX_DATA_ENTRIES,
    MAX_PHASE_SECONDS,
    MAX_TEXTS_BYTES,
    ContextPlan,
    ContextPolicy,
    OnError,
)
from jobs.context.plan_reader import read_plan
from jobs.definitions import members, plan_checks, scripts
from jobs.definitions.catalogue import Catalogue
from jobs.definitions.definition import Definition
from jobs.definitions.problems import DefinitionInvalid, Path, Problems, TooManyProblems, suggestion
from jobs.definitions.table import Table
from jobs.definitions.toml_text import Parsed, parse
from jobs.node_contract.phases import Phase
from jobs.submission import draft
from jobs.submission.analysis_draft import MAX_COMMAND_BYTES, MAX_ENV_VARS
from jobs.submission.draft import JobDraft, Offer
from jobs.submission.texts import is_env_name

KEYS = (
    "name", "hours", "command", "input_files", "auto_terminate", "idle_minutes", "environment", "members", "data",
    "scripts", "phase_timeouts", "policy",
)  # fmt: skip
MAX_INPUT_FILES = 1000
# A script for all members is stored once for each.
MAX_PLAN_BYTES = 1024 * 1024
# The key in a definition for each field of a job's draft.
_DRAFT_KEYS = {"name": "name", "command": "command", "walltime": "hours"}
_NEEDED = {
    "name": 'say what the cluster is called, such as name = "trial".',
    "hours": "say how long the cluster may be up, such as hours = 2.",
    "members": "a definition has a [[members]] table for each kind of node, one of them named head.",
}

# Maps names or ids of uploaded files to their ids; leaves out those that do not exist.
FindFiles = Callable[[Sequence[str]], Mapping[str, str]]


def read_definition(text: str, catalogue: Catalogue, find_files: FindFiles) -> Definition:
    """Parse and check the text. Raises DefinitionInvalid with every problem."""
    parsed = parse(text)
    problems = Problems(parsed.lines.by_path)
    try:
        definition = _definition(parsed, catalogue, find_files, problems)
    except TooManyProblems:
        raise DefinitionInvalid(problems.sorted()) from None
    if problems:
        raise DefinitionInvalid(problems.sorted())
    return definition


def _definition(
    parsed: Parsed, catalogue: Catalogue, find_files: FindFiles, problems: Problems
) -> Definition:
    top = Table(parsed.values, (), problems, KEYS)
    command = top.text("command", max_bytes=MAX_COMMAND_BYTES, lines=True)
    hours = top.number("hours", more_than=0, maximum=catalogue.max_hours, unit="hours")
    listed = parsed.values.get("members")
    for key, hint in _NEEDED.items():
        if top.lacks(key):
            problems.add((key,), f"is missing: {hint}")
    shared = scripts.read_scripts(top)
    found = members.read_members(listed, catalogue, shared, problems) if listed is not None else []
    definition = Definition(
        name=(top.text("name", max_bytes=1000) or "").strip(),
        hours=hours or 0,
        plan=ContextPlan(tuple(found), _data(top), _phase_timeouts(top), _policy(top, catalogue)),
        command=(command or "").replace("\r\n", "\n"),
        environment=_environment(top),
        input_files=_input_files(top, find_files),
        auto_terminate=_auto_terminate(top),
        idle_minutes=_idle_minutes(top, catalogue),
    )
    _check_draft(definition, catalogue, top)
    _check_plan(definition, problems)
    return definition


def _data(top: Table) -> dict[str, str]:
    data = {}
    for name, text in top.texts("data", maximum=MAX_DATA_ENTRIES, max_bytes=MAX_TEXTS_BYTES):
        if refused := plan_checks.plan_refusal(data={name: text}):
            top.problems.add(("data", name), refused)
        else:
            data[name] = text.replace("\r\n", "\n")
    return data


def _phase_timeouts(top: Table) -> dict[Phase, int]:
    table = top.table("phase_timeouts", scripts.PHASES)
    if table is None:
        return {}
    found = {}
    for phase in Phase:
        seconds = table.whole(phase, minimum=1, maximum=MAX_PHASE_SECONDS)
        if seconds is not None:
            found[phase] = seconds
    return found


def _policy(top: Table, catalogue: Catalogue) -> ContextPolicy:
    defaults = ContextPolicy()
    table = top.table("policy", ("on_error", "at_least_percent", "hold_hours"))
    if table is None:
        return defaults
    choices = [policy.value for policy in OnError]
    on_error = table.text("on_error", max_bytes=40)
    if on_error is not None and on_error not in choices:
        table.bad("on_error", f"there is no such policy{suggestion(on_error, choices)}")
    for key, policy in (("at_least_percent", OnError.CONTINUE), ("hold_hours", OnError.HOLD)):
        if key in table.values and on_error in choices and on_error != policy:
            table.bad(key, f'applies only with on_error = "{policy}".')
        elif key in table.values and "on_error" not in table.values:
            table.bad(key, f'applies only with on_error = "{policy}"; add that line.')
    percent = table.whole("at_least_percent", minimum=1, maximum=100)
    hours = table.number("hold_hours", more_than=0, maximum=catalogue.max_hold_hours, unit="hours")
    return ContextPolicy(
        OnError(on_error) if on_error in choices else defaults.on_error,
        defaults.at_least_percent if percent is None else percent,
        min(defaults.hold_hours, catalogue.max_hold_hours) if hours is None else hours,
    )


def _input_files(top: Table, find_files: FindFiles) -> tuple[str, ...]:
    names = top.short_texts("input_files", maximum=MAX_INPUT_FILES, max_bytes=1000)
    known = find_files(names) if names else {}
    for number, name in enumerate(top.values.get("input_files", []) if names else []):
        if name in names and name not in known:
            at: Path = ("input_files", number)
            top.problems.add(at, "you have no uploaded file of this name or id. Upload it first.")
    return tuple(dict.fromkeys(known[name] for name in names if name in known))


def _auto_terminate(top: Table) -> bool | None:
    flag = top.flag("auto_terminate")
    if flag is False and "command" not in top.values:
        message = "applies only with a command: without one the cluster ends when its hours are over."
        top.bad("auto_terminate", message)
    return flag


def _idle_minutes(top: Table, catalogue: Catalogue) -> int | None:
    longest = catalogue.max_idle_minutes
    return top.whole("idle_minutes", minimum=1 if longest else 0, maximum=longest or draft.MAX_IDLE_MINUTES)


def _environment(top: Table) -> dict[str, str]:
    found = {}
    for name, text in top.texts("environment", maximum=MAX_ENV_VARS, max_bytes=32 * 1024 - 1):
        if not is_env_name(name):
            message = (
                "is not a valid name of a variable: use letters, digits and underscores, no digit first."
            )
            top.problems.add(("environment", name), message)
        else:
            found[name] = text
    return found


def _check_draft(definition: Definition, catalogue: Catalogue, top: Table) -> None:
    """Check what holds for every job with `jobs.submission.draft`, so that each rule exists once."""
    asked = JobDraft(
        name=definition.name,
        command=definition.command,
        core_type="",
        cores_per_slot=1,
        walltime_hours=definition.hours,
        env_vars=definition.environment,
    )
    offer = Offer("", [1], catalogue.max_members, catalogue.max_hours)
    if top.values.get("name") == "" or str(top.values.get("name", "x")).isspace():
        top.bad("name", f"is empty: {_NEEDED['name']}")
    for problem in draft.find_problems(asked, offer, needs_command="command" in top.values):
        key = _DRAFT_KEYS.get(problem.field or "", "")
        if key in top.values and not top.problems.has((key,)):
            top.bad(key, problem.message)


def _check_plan(definition: Definition, problems: Problems) -> None:
    """Check the plan as a whole: its size, and whatever the checks of single parts do not cover."""
    document = definition.plan.as_json()
    size = len(json.dumps(document))
    if size > MAX_PLAN_BYTES:
        message = (
            f"the scripts and data of all members come to {size // 1024} kB; at most {MAX_PLAN_BYTES // 1024} kB "
            "are allowed. A script for all members counts once for each: have it fetch what is large."
        )
        problems.add(("scripts",), message)
    if problems:
        return
    try:
        read_plan(document)
    except Refused as refused:
        problems.add((refused.field,) if refused.field else (), refused.message)
