"""The options that every command has: `--json`, `--quiet`, `--profile` and `--url`."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, Optional

import typer

from . import runtime
from .closed_output import OutputClosed

_COMMON = [
    ("as_json", bool, typer.Option(False, "--json", help="Print the API's own answer as JSON.")),
    ("quiet", bool, typer.Option(False, "--quiet", "-q", help="Print only ids and what was asked for.")),
    ("profile", Optional[str], typer.Option(None, "--profile", help="The portal to use, by its name.")),
    ("url", Optional[str], typer.Option(None, "--url", help="The portal to use, by its address.")),
]


def with_common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the common options added; they land in `runtime.choices`."""
    signature = inspect.signature(function)
    own = dict(signature.parameters)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)
        for name, kind, option in _COMMON
        if name not in own
    ]

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        for parameter in added:
            setattr(runtime.choices, parameter.name, given.pop(parameter.name))
        try:
            return function(**given)
        except BrokenPipeError as error:
            raise OutputClosed from error

    hints = _hints(function)
    parameters = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints.get(name, parameter.annotation)
        )
        for name, parameter in own.items()
    ]
    wrapped.__signature__ = inspect.Signature([*parameters, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in [*parameters, *added]}
    del wrapped.__wrapped__  # type: ignore[attr-defined]  # typer would look at the original's annotations
    return wrapped


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    import typing

    return typing.get_type_hints(function)
