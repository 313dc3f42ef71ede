"""`list`, `show`, `files`, `extend`, `terminate`, `clone` and `open`."""

import sys
import time
from datetime import datetime, timezone
from typing import Any, Optional

import typer

from .. import completions, job_refs, runtime, web_browser
from ..client import Portal
from ..errors import WrongUsage
from ..job_refs import job_id, path_of
from ..output import note, say, show_exactly, show_facts, show_json, show_table
from ..progress import size_text
from ..times import local, moment_of, seconds_of, until

JOB = typer.Argument(
    ..., metavar="JOB", help="A job's id, its cluster's handle, or @last.", autocompletion=completions.jobs
)
WATCH_SECONDS = 3.0
CLEAR = "\x1b[H\x1b[2J"


def list_jobs(
    limit: int = typer.Option(20, "--limit", "-n", min=1, max=10_000, help="How many, newest first."),
    active: bool = typer.Option(False, "--active", help="Only jobs that are not Completed."),
    watch: bool = typer.Option(False, "--watch", "-w", help="Show the list again every few seconds."),
) -> None:
    """List your jobs, newest first."""
    portal = runtime.portal()
    if not watch:
        _show_jobs(portal, limit, active)
        return
    while True:
        if sys.stdout.isatty():
            print(CLEAR, end="")
        _show_jobs(portal, limit, active)
        sys.stdout.flush()
        time.sleep(WATCH_SECONDS)


def _show_jobs(portal: Portal, limit: int, active: bool) -> None:
    jobs = list(portal.pages("jobs/", limit=limit, t="1" if active else None))
    if runtime.choices.as_json:
        show_json(jobs)
    elif runtime.choices.quiet:
        for job in jobs:
            print(job["id"])
    else:
        handles = (
            {row["jobId"]: row["handle"] for row in portal.pages("clusters/", limit=200)} if jobs else {}
        )
        rows = [
            [
                job["id"],
                handles.get(job["id"], ""),
                job["name"],
                job["jobStatus"]["content"],
                job["clusterStatusDisplay"]["content"],
                local(job["dateInserted"]),
            ]
            for job in jobs
        ]
        empty = "You have no jobs." if not active else "No job of yours runs or waits."
        show_table(["JOB", "HANDLE", "NAME", "STATUS", "CLUSTER", "CREATED"], rows, empty)


def show(job: str = JOB) -> None:
    """Show a job: how it stands or how it ended, its nodes, what it costs."""
    portal = runtime.portal()
    path = path_of(portal, job)
    found = portal.get(path)
    if runtime.choices.as_json:
        show_json(found)
        return
    if runtime.choices.quiet:
        print(found["id"])
        return
    newest = next(portal.pages(f"{path}statuses/", limit=1), None)
    status = newest["status"] if newest else "Saved"
    hardware = found["jobanalyses"][0]["hardware"]
    running = found.get("stillRunning") or {}
    show_facts(
        [
            ("Job", f"{found['id']}  {found['name']}"),
            ("Status", status),
            ("Reason", newest["statusReason"] if newest else ""),
            ("Outcome", found["outcome"]),
            ("Exit code", found["exitCode"]),
            ("Command", found["jobanalyses"][0]["command"].strip()[:400]),
            ("Hardware", f"{hardware['slots']} x {hardware['coresPerSlot']} cores of {hardware['coreType']}"),
            ("Created", local(found["dateInserted"])),
            ("Completed", local(found["dateCompleted"])),
            ("Deadline", _deadline(found)),
            ("Costs", running.get("sentence", "")),
            ("Settings", " ".join(found.get("settingsChanged") or [])),
        ]
    )
    nodes = list(portal.pages(f"{path}instances/"))
    if nodes:
        print()
        rows = [[node["name"], node["status"], node["sshCommand"]] for node in nodes]
        show_table(["NODE", "STATUS", "SSH"], rows, "")


def _deadline(job: dict[str, Any]) -> str:
    if not job.get("deadline"):
        return ""
    return f"{local(job['deadline'])} (in {until(job['deadline'])}, {job['deadlineReason']})"


def files(
    job: str = JOB, search: Optional[str] = typer.Argument(None, help="Only names that have this in them.")
) -> None:
    """List the output files that a job left in storage."""
    portal = runtime.portal()
    found = list(portal.pages(f"{path_of(portal, job)}files/", search=search))
    if runtime.choices.as_json:
        show_json(found)
    elif runtime.choices.quiet:
        for file in found:
            show_exactly(file["relativePath"])
    else:
        rows = [[file["relativePath"], size_text(file["decryptedSize"]), file["id"]] for file in found]
        show_table(
            ["PATH", "SIZE", "ID"], rows, "No files are stored yet. They are when the command has ended."
        )


def extend(
    job: str = JOB,
    by: str = typer.Argument(..., metavar="+4h|TIME", help="How much longer (+4h, +90m), or until when."),
) -> None:
    """Give a cluster more time, within the administrator's limits."""
    portal = runtime.portal()
    if by.startswith("+"):
        body: dict[str, Any] = {"seconds": seconds_of(by[1:])}
    elif by[:1].isdigit() and ("-" in by or ":" in by):
        moment = moment_of(by, datetime.now(timezone.utc))
        body = {"until": moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")}
    else:
        raise WrongUsage(f"Write how much longer, as +4h, or until when, as 2026-04-03T12:00; not {by!r}.")
    # A time may be sent again; a duration would be added twice.
    answer = portal.post(f"{path_of(portal, job)}extend/", body, repeatable="until" in body)
    if runtime.choices.as_json:
        show_json(answer)
    say(f"The cluster ends at {local(answer['deadline'])} (in {until(answer['deadline'])}).")


def terminate(job: str = JOB) -> None:
    """Terminate a job's cluster. A running command ends; doing it again changes nothing."""
    portal = runtime.portal()
    path = path_of(portal, job)
    portal.post(f"{path}stop/", repeatable=True)
    found = portal.get(path)
    if runtime.choices.as_json:
        show_json(found)
        return
    running = (found.get("stillRunning") or {}).get("sentence", "")
    say(f"Terminating {found['id']}. {running}".rstrip())


def clone(
    job: str = JOB,
    submit: bool = typer.Option(False, "--submit", help="Submit the copy at once."),
) -> None:
    """Make a new job of an earlier one: the same command, hardware, settings and input files.

    The copy is saved. It runs when it is submitted, on its page or at once with --submit.
    """
    portal = runtime.portal()
    copy = portal.post(f"{path_of(portal, job)}clone/")
    if submit:
        portal.post(f"jobs/{copy['id']}/submit/")
        job_refs.remember(portal, str(copy["id"]))
    if runtime.choices.as_json:
        show_json(portal.get(f"jobs/{copy['id']}/") if submit else copy)
    elif runtime.choices.quiet or not sys.stdout.isatty():
        print(copy["id"])
    elif submit:
        say(f"Submitted {copy['id']}. Follow it: headnode logs -f {copy['id']}")
    else:
        say(f"Saved {copy['id']}. Submit it on its page: {portal.url}/jobs/{copy['id']}/")


def open_page(
    job: Optional[str] = typer.Argument(None, metavar="[JOB]", help="A job; without one, the list of jobs."),
    print_only: bool = typer.Option(False, "--print", help="Only print the address."),
) -> None:
    """Open a job's page in the browser."""
    portal = runtime.portal()
    address = portal.url + "/"
    if job is not None:
        found = portal.get(f"jobs/{job_id(portal, job)}/")  # a page that is not there is told here
        address = f"{portal.url}/jobs/{found['id']}/"
    if runtime.choices.as_json:
        show_json({"url": address})
        return
    print(address)
    if not print_only and not web_browser.open_page(address):
        note("No browser could be opened. Open the address yourself.")
