"""From a cluster definition to a cluster: the verb behind the page, the API and whoever launches one."""

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
from jobs.definitions.catalogue import Catalogue, Hardware
from jobs.definitions.definition import Definition
from jobs.definitions.problems import DefinitionInvalid, Problem
from jobs.events import job_log
from jobs.models import Cluster, ClusterDefinition, CoreType, StoredFile
from jobs.storage import stored_files
from jobs.submission import job_actions
from jobs.submission.draft import JobDraft


class DefinitionRefused(Refused):
    """A definition with problems; `problems` holds every one of them, each with its line and key."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("definition_invalid", str(problems[0]), field="definition")
        self.problems = list(problems)


@dataclass(frozen=True)
class Checked:
    """A good definition, and what it would cost."""

    definition: Definition
    price_per_hour: Decimal
    currency: str
    core_types: Mapping[str, Hardware]


def check(owner: User, text: str) -> Checked:
    """What a definition would launch, without launching it. Raises DefinitionRefused with every problem."""
    catalogue = _catalogue()
    try:
        definition = reader.read(text, catalogue, _files_of(owner))
    except DefinitionInvalid as invalid:
        raise DefinitionRefused(invalid.problems) from None
    head = catalogue.core_types[definition.plan.member("head").core_type]
    return Checked(definition, definition.price_per_hour(catalogue), head.currency, catalogue.core_types)


def launch(actor: Actor, owner: User, text: str) -> Cluster:
    """Launch a cluster as a definition says: a job of its own, submitted, with the members' node rows.

    Raises DefinitionRefused with every problem.
    """
    definition = check(owner, text).definition
    plan = definition.plan.as_json()
    with transaction.atomic():
        job = job_actions.create_job(actor, owner, _draft(definition), needs_command=bool(definition.command))
        stored_files.attach_inputs(job, [(file_id, True) for file_id in definition.input_files])
        cluster = job_actions.submit_job(actor, job, plan).cluster
        ClusterDefinition.objects.create(cluster=cluster, text=text)
        nodes = orders.make_nodes(cluster)
        told = f"Launched from a definition as {cluster.handle}: {orders.summary(nodes)}."
        job_log.append(job, "portal", told)
        record(
            actor,
            "jobs:cluster:launched",
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
    """The job of a cluster. Its hardware is the head node's: the members' own stand in the plan."""
    head = definition.plan.member("head")
    return JobDraft(
        name=definition.name,
        command=definition.command,
        core_type=head.core_type,
        cores_per_slot=head.cores,
        slots=len(definition.plan.members),
        walltime_hours=definition.hours,
        env_vars=definition.environment,
        # Nobody would know when people are done with it: without a command the hours decide.
        auto_terminate_cluster=definition.auto_terminate if definition.command else True,
    )


def _catalogue() -> Catalogue:
    kept = settings.HEADNODE_KEPT_HEAD_LIMIT
    return Catalogue(
        core_types={
            row.code: Hardware(row.code, row.name, tuple(row.cores), row.price_per_core_hour, row.currency)
            for row in CoreType.objects.filter(is_active=True)
        },
        most_members=settings.HEADNODE_MAX_SLOTS,
        most_hours=settings.HEADNODE_MAX_JOB_HOURS,
        most_hold_hours=kept.total_seconds() / 3600,
    )


def _files_of(owner: User) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Finds uploaded files by id, else by name; of several with one name the newest."""

    def find(words: Sequence[str]) -> Mapping[str, str]:
        rows = stored_files.visible_files(owner).filter(type_id=StoredFile.Type.INPUT)
        found = rows.filter(Q(pk__in=words) | Q(name__in=words)).order_by("created_at", "pk")
        by_name: dict[str, str] = {}
        by_id: dict[str, str] = {}
        for pk, name in found.values_list("pk", "name"):
            by_name[name] = by_id[pk] = pk
        return {word: {**by_name, **by_id}[word] for word in words if word in by_name or word in by_id}

    return find
