"""Clusters with a plan of their own, launched by the verb that pages and API use."""

import json
from typing import Any

from tests.stack import Stack

SCRIPT = """
import json, os
from accounts.audit import Actor
from accounts.models import User
from jobs import services
from jobs.context import plan as plans
from jobs.draft import JobDraft
said = json.loads(os.environ["LAUNCH"])
owner = User.objects.get(username=said["owner"])
actor = Actor(owner, "127.0.0.1", "api")
plan = plans.read(said["plan"])
draft = JobDraft(name="context", command=said["command"], core_type="emerald", cores_per_slot=1,
    slots=len(plan.members), walltime_hours=1)
job = services.submit_job(actor, services.create_job(actor, owner, draft), plan.as_json())
print(job.pk)
"""


def member(name: str, **change: Any) -> dict[str, Any]:
    """A small member of a plan."""
    role = "head" if name == "head" else "compute"
    return {"name": name, "role": role, "core_type": "emerald", "cores": 1, **change}


def launch(portal: Stack, owner: str, plan: dict[str, Any], command: str = "true") -> str:
    """Submit a job whose cluster has this plan; answer its id."""
    said = json.dumps({"owner": owner, "plan": plan, "command": command})
    return portal.manage("shell", "-c", SCRIPT, LAUNCH=said).strip().splitlines()[-1]
