"""Write the tables of settings in docs/operating.md from the declarations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portal.configuration.declared import GROUPS
from portal.configuration.declared.others import OTHERS
from portal.configuration.setting import Group, Setting

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "operating.md"
BEGIN = "<!-- settings: written by `python -m portal.configuration`, from portal/configuration/declared -->"
END = "<!-- end of settings -->"


def with_tables(document: str) -> str:
    """Return the document with up-to-date tables between its two markers."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def tables() -> str:
    """Return a table for each group of settings, and one for the variables of other programs."""
    return (
        "\n".join(line for group in GROUPS for line in _table(group)) + "\n" + "\n".join(_other_variables())
    )


def _table(group: Group) -> Iterator[str]:
    yield from (
        "",
        f"### {group.title}",
        "",
        "| name | values | default | what |",
        "| --- | --- | --- | --- |",
    )
    for setting in group.settings:
        cells = map(_cell, (setting.kind.described, _default(setting), setting.meaning))
        yield f"| `{setting.name}` | {' | '.join(cells)} |"


def _other_variables() -> Iterator[str]:
    yield from ("", "### Variables of other programs", "", "| name | read by | what |", "| --- | --- | --- |")
    for name, read_by, meaning in OTHERS:
        yield f"| `{name}` | {read_by} | {_cell(meaning)} |"


def _default(setting: Setting) -> str:
    if setting.default_shown:
        return setting.default_shown
    value: Any = setting.default_value({})
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value in ("", None, []) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
