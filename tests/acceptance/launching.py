"""Clusters with a plan of their own, launched by the verb that pages and API use."""

import json
from typing import Any

from tests.stack import Stack

SCRIPT = """
import json, os
from accounts.audit.trail import Actor
from accounts.models import User
from jobs.context.plan_reader import read_plan
from jobs.submission import job_actions
from jobs.submission.draft import JobDraft
request = json.loads(os.environ["LAUNCH"])
owner = User.objects.get(username=request["owner"])
actor = Actor(owner, "127.0.0.1", "api")
plan = read_plan(request["plan"])
draft = JobDraft(name="context", command=request["command"], core_type="emerald", cores_per_slot=1,
    slots=len(plan.members), walltime_hours=1)
job = job_actions.submit_job(actor, job_actions.create_job(actor, owner, draft), plan.as_json())
print(job.pk)
"""


def member(name: str, **change: Any) -> dict[str, Any]:
    """A small member of a plan."""
    role = "head" if name == "head" else "compute"
    return {"name": name, "role": role, "core_type": "emerald", "cores": 1, **change}


def launch(portal: Stack, owner: str, plan: dict[str, Any], command: str = "true") -> str:
    """Submit a job whose cluster has this plan; answer its id."""
    request = json.dumps({"owner": owner, "plan": plan, "command": command})
    return portal.manage("shell", "-c", SCRIPT, LAUNCH=request).strip().splitlines()[-1]
