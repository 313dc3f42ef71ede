"""Check a cluster definition and launch a cluster from it. The page and the REST API call these functions."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused
from jobs.control import orders
from jobs.definitions import reader
from jobs.definitions.catalogue import Catalogue, CoreTypeOffer
from jobs.definitions.definition import Definition
from jobs.definitions.problems import DefinitionInvalid, Problem
from jobs.events import job_log
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Cluster, ClusterDefinition, CoreType, StoredFile
from jobs.states import LogSource
from jobs.storage import job_inputs, stored_files
from jobs.storage.job_inputs import InputDraft
from jobs.submission import job_actions
from jobs.submission.draft import JobDraft


class DefinitionRefused(Refused):
    """The definition has problems; `problems` holds every one, with its line and key."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("definition_invalid", str(problems[0]), field="definition")
        self.problems = list(problems)


@dataclass(frozen=True)
class CheckedDefinition:
    """A valid definition, with its price."""

    definition: Definition
    price_per_hour: Decimal
    currency: str
    core_types: Mapping[str, CoreTypeOffer]


def check_definition(owner: User, text: str) -> CheckedDefinition:
    """Return what a definition would launch, without launching it. Raises DefinitionRefused with every problem."""
    catalogue = _catalogue()
    try:
        definition = reader.read_definition(text, catalogue, _files_of(owner))
    except DefinitionInvalid as invalid:
        raise DefinitionRefused(invalid.problems) from None
    head = catalogue.core_types[definition.plan.member("head").core_type]
    return CheckedDefinition(
        definition, definition.price_per_hour(catalogue), head.currency, catalogue.core_types
    )


def launch_cluster(actor: Actor, owner: User, text: str) -> Cluster:
    """Launch a cluster from a definition: create and submit a job for it and make the members' node rows.

    All in one transaction. Raises DefinitionRefused with every problem.
    """
    definition = check_definition(owner, text).definition
    plan = definition.plan.as_json()
    with transaction.atomic():
        job = job_actions.create_job(actor, owner, _draft(definition), needs_command=bool(definition.command))
        job_inputs.attach_inputs(job, [InputDraft(file_id) for file_id in definition.input_files])
        cluster = job_actions.submit_job(actor, job, plan).cluster
        ClusterDefinition.objects.create(cluster=cluster, text=text)
        nodes = orders.make_nodes(cluster)
        text = f"Launched from a definition as {cluster.handle}: {orders.summary(nodes)}."
        job_log.append(job, LogSource.PORTAL, text)
        record(
            actor,
            JobsAuditAction.CLUSTER_LAUNCHED,
            "cluster",
            cluster.pk,
            owner=owner,
            after={
                "handle": cluster.handle,
                "job": job.pk,
                "members": [node.name for node in nodes],
                "definition_sha256": hashlib.sha256(text.encode()).hexdigest(),
            },
        )
    return cluster


def _draft(definition: Definition) -> JobDraft:
    """Return the draft of the cluster's job. Its hardware is the head node's; the plan has each member's own."""
    head = definition.plan.member("head")
    return JobDraft(
        name=definition.name,
        command=definition.command,
        core_type=head.core_type,
        cores_per_slot=head.cores,
        slots=len(definition.plan.members),
        walltime_hours=definition.hours,
        idle_minutes=definition.idle_minutes,
        env_vars=definition.environment,
        # Without a command the hours decide, and the idle limit.
        auto_terminate_cluster=definition.auto_terminate if definition.command else True,
    )


def _catalogue() -> Catalogue:
    kept = settings.HEADNODE_KEPT_HEAD_LIMIT
    return Catalogue(
        core_types={
            row.code: CoreTypeOffer(
                row.code, row.name, tuple(row.cores), row.price_per_core_hour, row.currency
            )
            for row in CoreType.objects.filter(is_active=True)
        },
        max_members=settings.HEADNODE_MAX_SLOTS,
        max_hours=settings.HEADNODE_MAX_JOB_HOURS,
        max_idle_minutes=settings.HEADNODE_MAX_IDLE_MINUTES,
        max_hold_hours=kept.total_seconds() / 3600,
    )


def _files_of(owner: User) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Return a function that finds uploaded files by id or else by name; of several with one name, the newest."""

    def find(texts: Sequence[str]) -> Mapping[str, str]:
        rows = stored_files.visible_files(owner).exclude(type_id=StoredFile.Type.OUTPUT)
        found = rows.filter(Q(pk__in=texts) | Q(name__in=texts)).order_by("created_at", "pk")
        by_name: dict[str, str] = {}
        by_id: dict[str, str] = {}
        for pk, name in found.values_list("pk", "name"):
            by_name[name] = by_id[pk] = pk
        return {text: {**by_name, **by_id}[text] for text in texts if text in by_name or text in by_id}

    return find
