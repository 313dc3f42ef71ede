"""Follow a job's log without a gap: the cursor is the last sequence that was printed, so nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable

from .errors import CLIError, Failed, Unreachable

if TYPE_CHECKING:
    from .client import Portal

PAGE = 1000
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
JOB_SECONDS = 2.0
# A portal that restarts is back in a minute; one that stays away is told.
GIVE_UP_SECONDS = 900.0


class Gap(CLIError):
    """The portal left out a line."""


class Follower:
    """The events of a job after a sequence, in batches, and the job once it has ended.

    Whoever prints sets `after` line by line, so that following can be taken up again where Ctrl-C interrupted it.
    """

    def __init__(
        self, portal: Portal, path: str, after: int = 0, tell: Callable[[str], None] | None = None
    ) -> None:
        self.portal, self.path, self.after = portal, path, after
        self.job: dict[str, Any] | None = None
        self._tell = tell or (lambda _: None)

    def present(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the events that are there."""
        while True:
            page = self._page()
            yield self._in_order(page["results"])
            if not page["next"]:
                return

    def events(self) -> Iterator[list[dict[str, Any]]]:
        """Yield events as they happen, until the job has ended. `job` is then the job as it ended."""
        pause, asked_at = SHORTEST_PAUSE, 0.0
        while True:
            page = self._patiently(self._page)
            yield self._in_order(page["results"])
            if page["next"]:
                continue
            pause = SHORTEST_PAUSE if page["results"] else min(pause * 1.5, LONGEST_PAUSE)
            if time.monotonic() - asked_at >= JOB_SECONDS:
                asked_at = time.monotonic()
                job = self._patiently(lambda: self.portal.get(self.path))
                if job["dateCompleted"]:
                    # What was said between the last page and the end.
                    while page := self._patiently(self._page):
                        yield self._in_order(page["results"])
                        if not page["next"]:
                            break
                    self.job = job
                    return
            time.sleep(pause)

    def _page(self) -> Any:
        return self.portal.get(f"{self.path}events/", after=self.after, limit=PAGE)

    def _in_order(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sequences = [event["sequence"] for event in events]
        if sequences != list(range(self.after + 1, self.after + 1 + len(events))):
            raise Gap(f"The log has a gap after line {self.after}. Please report this.")
        return events

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer; say once that the portal is away, and once that it is back."""
        since = None
        while True:
            try:
                answer = ask()
            except (Unreachable, Failed) as error:
                now = time.monotonic()
                if since is None:
                    since = now
                    self._tell(f"{error} Trying again; no line is lost.")
                elif now - since > GIVE_UP_SECONDS:
                    raise
                time.sleep(LONGEST_PAUSE)
                continue
            if since is not None:
                self._tell("The portal is back.")
            return answer


TERMINATED, OUT_OF_TIME = 143, 124


def exit_status(job: dict[str, Any]) -> int:
    """Return the status that a command ends with after this job: the job's own exit code where it has one.

    Without one: 143 after Terminate (as by SIGTERM), 124 after its time (as timeout(1) says it), 1 for an error.
    """
    if job["exitCode"] is not None:
        return int(job["exitCode"]) & 0xFF
    known = {"succeeded": 0, "terminated": TERMINATED, "walltime": OUT_OF_TIME, "deadline": OUT_OF_TIME}
    return known.get(job["outcome"], 1)
