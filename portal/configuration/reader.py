"""Read all settings from an environment and check them, all at once."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.configuration.declared import SETTINGS
from portal.configuration.declared.others import OTHERS
from portal.configuration.rules import RULES
from portal.configuration.setting import WrongValue, shown

PREFIX = "HEADNODE_"
KNOWN_NAMES = frozenset({setting.name for setting in SETTINGS} | {other.name for other in OTHERS})


@dataclass(frozen=True)
class Configuration:
    """The value of every setting by name, and a sentence for everything that is wrong.

    A setting with a wrong text has its default as value.
    """

    values: Mapping[str, Any]
    problems: tuple[str, ...]


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """Return the configuration that an environment describes. Never raises."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for setting in SETTINGS:
        text = environ.get(setting.name)
        values[setting.name] = setting.default_value(values)
        if text is None or not (text.strip() or setting.may_be_empty):
            continue
        try:
            values[setting.name] = setting.parse(text)
        except WrongValue as error:
            wrong[setting.name] = setting.sentence(text, error)
    problems = (*_unknown_names(environ), *wrong.values(), *_broken_rules(values, set(wrong)))
    return Configuration(values, problems)


def read_or_exit(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the values. If something is wrong, end the process with status 1 and all sentences on standard error."""
    configuration = read_configuration(environ)
    if configuration.problems:
        raise SystemExit("\n".join(configuration.problems))
    return configuration.values


def _broken_rules(values: Mapping[str, Any], wrong: set[str]) -> Iterator[str]:
    for rule in RULES:
        if wrong.isdisjoint(rule.names) and (sentence := rule.check(values)):
            yield sentence


def _unknown_names(environ: Mapping[str, str]) -> Iterator[str]:
    """Return a sentence for each variable that looks like a setting and is none."""
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name not in KNOWN_NAMES:
            nearest = nearest_name(name)
            hint = (
                f"Did you mean {nearest}?" if nearest else "Remove it: docs/operating.md lists all settings."
            )
            yield f"{shown(name)} is not a setting of Headnode. {hint}"


def nearest_name(name: str) -> str:
    """Return the setting that somebody who wrote `name` may have meant; empty if none is near."""
    upper = name.upper().replace("-", "_")
    for candidate in (upper, upper.removeprefix(PREFIX)):
        if candidate in KNOWN_NAMES:
            return candidate
    # Without the prefix that all have in common, which would make every name look near.
    rests = {known.removeprefix(PREFIX): known for known in sorted(KNOWN_NAMES)}
    near = difflib.get_close_matches(upper.removeprefix(PREFIX), rests, n=1, cutoff=0.6)
    return rests[near[0]] if near else ""
