"""Render the report of a contextualization: a summary for people and programs, and one text file per node. Pure.

The same facts always give the same bytes, so writing it again after a crash changes nothing.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobs.context.boot_stream import PhaseRun, phases_of
from jobs.node_contract.boot_lines import BootStreamLine, log_line
from jobs.node_contract.broker_calls import BootOutcome

ZIP_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class NodeReport:
    """One node: its hardware, how it booted, and its whole log."""

    name: str
    role: str
    core_type: str
    cores: int
    state: str
    reason: str = ""
    outcome: str = ""  # a BootOutcome, or empty before the report
    address: str = ""
    port: int | None = None
    hostname: str = ""
    fingerprints: Sequence[str] = ()
    registered_at: datetime | None = None
    reported_at: datetime | None = None
    left_out: bool = False
    lines: Sequence[BootStreamLine] = field(default_factory=tuple)
    log: str = ""

    @property
    def phases(self) -> list[PhaseRun]:
        """Its phases, computed from its lines."""
        return phases_of(self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return everything but the log."""
        return {
            "name": self.name,
            "role": self.role,
            "coreType": self.core_type,
            "cores": self.cores,
            "state": self.state,
            "reason": self.reason,
            "outcome": self.outcome or None,
            "address": self.address or None,
            "port": self.port,
            "hostname": self.hostname,
            "hostKeys": list(self.fingerprints),
            "registeredAt": _iso(self.registered_at),
            "reportedAt": _iso(self.reported_at),
            "leftOut": self.left_out,
            "phases": [
                {
                    "name": run.phase.value,
                    "state": run.state,
                    "startedAt": _iso(run.started_at),
                    "endedAt": _iso(run.ended_at),
                    "seconds": round(run.took.total_seconds(), 3) if run.took is not None else None,
                    "said": run.detail,
                }
                for run in self.phases
            ],
        }

    def as_text(self) -> str:
        """Return the node's file: a few lines of facts, its phases, then its log."""
        facts = [
            ("Node", f"{self.name} ({self.role})"),
            ("Hardware", f"{self.core_type}, {self.cores} core(s)"),
            ("State", f"{self.state}{': ' + self.reason if self.reason else ''}"),
            ("Report", self.outcome.upper() or "none"),
            ("Left out", "yes" if self.left_out else "no"),
            ("Address", f"{self.address} port {self.port}" if self.address else "not known"),
            ("Host keys", ", ".join(self.fingerprints) or "not known"),
            ("Registered", _utc_text(self.registered_at)),
            ("Reported", _utc_text(self.reported_at)),
        ]
        head = "".join(f"{name + ':':<12}{text}\n" for name, text in facts)
        phases = "".join(
            f"  {run.phase:<10} {run.state:<8} {_duration_text(run):>10}  {run.detail}".rstrip() + "\n"
            for run in self.phases
        )
        return f"{head}\nPhases:\n{phases}\nLog:\n{self.log or log_text(self.lines)}"


@dataclass(frozen=True)
class ClusterReport:
    """How all nodes of a cluster booted."""

    job: str
    job_name: str
    cluster: str
    status: str
    failure: str
    policy: dict[str, Any]
    booting_at: datetime | None
    held_at: datetime | None
    ready_at: datetime | None
    nodes: Sequence[NodeReport]

    @property
    def outcome(self) -> str:
        """`ok` when every node that was not left out reported OK, `error` when one failed, else `booting`."""
        if self.failure or any(
            node.outcome == BootOutcome.ERROR and not node.left_out for node in self.nodes
        ):
            return "error"
        counted = [node for node in self.nodes if not node.left_out]
        return "ok" if counted and all(node.outcome == BootOutcome.OK for node in counted) else "booting"

    def as_json(self) -> dict[str, Any]:
        """Return the summary for programs."""
        return {
            "job": self.job,
            "cluster": self.cluster,
            "outcome": self.outcome,
            "status": self.status,
            "failure": self.failure,
            "policy": {
                "onError": self.policy["on_error"],
                "atLeastPercent": self.policy["at_least_percent"],
                "holdHours": self.policy["hold_hours"],
            },
            "bootingAt": _iso(self.booting_at),
            "heldAt": _iso(self.held_at),
            "readyAt": _iso(self.ready_at),
            "nodes": [node.as_json() for node in self.nodes],
        }

    def as_text(self) -> str:
        """Return the summary for people."""
        lines = [
            f"Contextualization of {self.job_name} (job {self.job}, cluster {self.cluster})",
            f"Outcome: {self.outcome.upper()}",
            *([f"Why: {self.failure}"] if self.failure else []),
            f"Policy on errors: {self.policy['on_error']}",
            f"Booting since: {_utc_text(self.booting_at)}",
            *([f"Held since: {_utc_text(self.held_at)}"] if self.held_at else []),
            *([f"Ready since: {_utc_text(self.ready_at)}"] if self.ready_at else []),
            "",
            f"{'NODE':<34}{'ROLE':<9}{'STATE':<10}{'REPORT':<8}LAST",
        ]
        for node in self.nodes:
            last = last_text(node.lines) or node.reason
            report = node.outcome.upper() or "-"
            lines.append(f"{node.name:<34}{node.role:<9}{node.state:<10}{report:<8}{last}".rstrip())
        return "\n".join(lines) + "\n"

    def as_zip(self) -> bytes:
        """Return a zip of summary.txt, summary.json and nodes/<name>.txt."""
        files = {
            "summary.txt": self.as_text(),
            "summary.json": json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n",
            **{f"nodes/{node.name}.txt": node.as_text() for node in self.nodes},
        }
        at = max(self.booting_at or ZIP_EPOCH, ZIP_EPOCH).astimezone(UTC)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in files.items():
                path = f"context-report-{self.job}/{name}"
                entry = zipfile.ZipInfo(path, (at.year, at.month, at.day, at.hour, at.minute, at.second))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                bundle.writestr(entry, text)
        return stream.getvalue()


def log_text(lines: Sequence[BootStreamLine]) -> str:
    """Return the lines as a log, for a node that never reported its whole log."""
    return "".join(f"{log_line(line.at, _marked_text(line), line.phase)}\n" for line in lines)


def last_text(lines: Sequence[BootStreamLine]) -> str:
    """Return the last text that a node sent, on one line."""
    for line in reversed(lines):
        if text := line.text.strip():
            return text.splitlines()[-1][:200]
    return ""


def _marked_text(line: BootStreamLine) -> str:
    return f"{line.mark.value.upper()} {line.text}" if line.mark else line.text


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _utc_text(at: datetime | None) -> str:
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration_text(run: PhaseRun) -> str:
    return "" if run.took is None else f"{run.took.total_seconds():.3f} s"
