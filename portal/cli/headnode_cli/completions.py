"""Words that the shell completes: jobs and nodes. Whatever goes wrong, it stays silent: somebody is typing."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from . import runtime
from .job_refs import LAST, path_of

MOST = 50
SECONDS = 2.0  # whoever waits longer has typed it


def jobs(incomplete: str) -> list[tuple[str, str]]:
    """Return the jobs and handles that begin so, with the job's name."""
    try:
        return [(word, name) for word, name in _jobs() if word.startswith(incomplete)]
    except Exception:
        return []


def _jobs() -> Iterator[tuple[str, str]]:
    portal = runtime.portal(tries=1, seconds=SECONDS)
    yield LAST, "the job submitted last"
    for row in portal.pages("clusters/", limit=MOST):
        if not row["endedAt"]:
            yield row["handle"], row["name"]
    for row in portal.pages("jobs/", limit=MOST):
        yield row["id"], row["name"]


def nodes(context: typer.Context, incomplete: str) -> list[str]:
    """Return the nodes of the job that was typed."""
    try:
        portal = runtime.portal(tries=1, seconds=SECONDS)
        rows = portal.pages(f"{path_of(portal, context.params['job'])}instances/")
        return [row["name"] for row in rows if row["name"].startswith(incomplete)]
    except Exception:
        return []
