"""Build the access document: the keys and rules that the provider applies to every node of a cluster."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.keys import validity
from accounts.models import User
from accounts.services import job_settings
from jobs.models import Cluster, Job
from jobs.node_contract.access_document import AccessDocument
from sshgateway.certificates.authorities import user_authority_lines


def rules_of(owner: User) -> list[str]:
    """Return the CIDR rules in force for a user's clusters; empty while SSH access is off."""
    if not job_settings(owner).ssh_access:
        return []
    return [rule.cidr for rule in validity.rules_in_force(owner)]


def rules_of_job(job: Job) -> list[str]:
    """Return the CIDR rules in force for a job's cluster: its own, or else its owner's; empty while SSH is off."""
    if not job.cidr_rules:
        return rules_of(job.owner)
    return [*job.cidr_rules] if job_settings(job.owner).ssh_access else []


def new_document(cluster: Cluster) -> dict[str, Any]:
    """Return the cluster's access document as it is now, with a version number of its own.

    The number is taken before the content is read, so a document with a higher version never lacks a change that
    one with a lower version has.
    """
    with transaction.atomic():
        row = Cluster.objects.filter(pk=cluster.pk)
        row.update(access_version=F("access_version") + 1)
        version = row.values_list("access_version", flat=True).get()
    return replace(_unnumbered_document(cluster), version=version).as_json()


def content_of(cluster: Cluster) -> dict[str, Any]:
    """Return the cluster's access document as it is now, without a number: its version is 0."""
    return _unnumbered_document(cluster).as_json()


def digest_of(document: dict[str, Any]) -> str:
    """Return a digest of the document's content. The version does not count, so it shows whether anything changed."""
    content = {name: value for name, value in document.items() if name != "version"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unnumbered_document(cluster: Cluster) -> AccessDocument:
    owner = cluster.job.owner
    keys = [(key, validity.key_validity(key)) for key in owner.ssh_keys.all()]
    active = validity.Validity.ACTIVE
    return AccessDocument(
        authorized_keys=tuple(key.public_key for key, state in keys if state is active),
        rules=tuple(rules_of_job(cluster.job)),
        user_authorities=tuple(user_authority_lines()),
        gateway_addresses=tuple(settings.HEADNODE_GATEWAY_ADDRESSES),
        ssh_access_off=not job_settings(owner).ssh_access,
        withdrawn=tuple((key.fingerprint, state.value) for key, state in keys if state is not active),
    )
