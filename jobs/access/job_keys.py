"""The key of a job, RESCALE_API_KEY: with it the job's command calls the API, about its own job and nothing else.

It is derived from the portal's secret and saved nowhere, and good from the launch of the command until the job is
Completed or its cluster ends. What it shows beyond its own job is decided where rows are: `visible_jobs`,
`visible_files` and `visible_uploads` know `User.only_job`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.users.token_authentication import TokenRefusalReason, TokenRefused
from jobs.models import Cluster
from jobs.node_contract.job_key import PREFIX, key_prefix
from jobs.states import Observed

KEY_VARIABLE, URL_VARIABLE = "RESCALE_API_KEY", "RESCALE_API_BASE_URL"
HIDDEN = f"[{KEY_VARIABLE}]"
_KEY = re.compile(rf"{PREFIX}(?P<cluster>[A-Za-z0-9]{{1,64}})_(?P<proof>[0-9a-f]{{64}})", re.ASCII)
# The command may run: it is started before the cluster is said to be executing, and what it left in the background may
# run until the files are stored.
COMMAND_RUNS = (Observed.READY, Observed.EXECUTING, Observed.EXECUTED, Observed.DRAINED)
_READ = frozenset({"GET", "HEAD", "OPTIONS"})
# By route, without its version: what the key may do there.
REACH: dict[str, frozenset[str]] = {
    "ping/": _READ,
    "jobs/<str:id>/": _READ,
    "jobs/<str:id>/statuses/": _READ,
    "jobs/<str:id>/cluster_statuses/": _READ,
    "jobs/<str:id>/events/": _READ,
    "jobs/<str:id>/logs/": _READ,
    "jobs/<str:id>/tags/": _READ,
    "jobs/<str:id>/files/": _READ,
    "jobs/<str:id>/runs/": _READ,
    "jobs/<str:id>/runs/<str:run>/": _READ,
    "jobs/<str:id>/runs/<str:run>/files/": _READ,
    "files/": _READ,
    "files/contents/": frozenset({"POST", "PUT", "OPTIONS"}),
    "files/<str:id>/": _READ,
    "files/<str:id>/contents/": _READ,
    "files/<str:id>/lines/": _READ,
    "uploads/": _READ | {"POST"},
    "uploads/<str:id>/": _READ | {"PATCH", "DELETE"},
}


@dataclass(frozen=True)
class JobKey:
    """A key that was found good."""

    job_id: str

    def check_reach(self, route: str | None, values: Mapping[str, Any], method: str) -> None:
        """Raise Refused (`scope_missing`, 403) unless the route is about this job and its files."""
        is_listed = route is not None and method in REACH.get(route, ())
        # Another job is refused here and not only not found by its view.
        is_elsewhere = route is not None and route.startswith("jobs/") and values.get("id") != self.job_id
        if not is_listed or is_elsewhere:
            raise Refused(
                RefusalReason.SCOPE_MISSING,
                "The key of a job reads that job and its files, uploads files, and does nothing else.",
                status=403,
            )


def key_of(cluster: Cluster) -> str:
    """Return the key of the cluster's job: the same each time, so that a launch can be repeated."""
    return key_prefix(cluster.pk) + _proof(settings.SECRET_KEY, cluster.pk)


def variables(cluster: Cluster) -> dict[str, str]:
    """Return what the job's command finds in its environment, and nobody else is told."""
    return {KEY_VARIABLE: key_of(cluster), URL_VARIABLE: settings.HEADNODE_JOB_API_URL.rstrip("/")}


def with_variables(environment: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with `given`, unless it names one itself: a key for elsewhere must not be sent to us."""
    if KEY_VARIABLE in environment or URL_VARIABLE in environment:
        return {**environment}
    return {**environment, **given}


def without_key(cluster: Cluster, lines: Iterable[str]) -> list[str]:
    """Return lines that a command printed, without the key of its job."""
    key = key_of(cluster)
    return [line.replace(key, HIDDEN) for line in lines]


def check_key(secret: str) -> tuple[User, JobKey]:
    """Return the job's owner, narrowed to the job, and the key. Raises TokenRefused."""
    found = _KEY.fullmatch(secret)
    if found is None or not _is_ours(found["cluster"], found["proof"]):
        raise TokenRefused(TokenRefusalReason.INVALID)
    cluster = Cluster.objects.select_related("job__owner").filter(pk=found["cluster"]).first()
    if cluster is None or cluster.observed_state not in COMMAND_RUNS or cluster.job.completed_at is not None:
        raise TokenRefused(TokenRefusalReason.JOB_ENDED)
    owner = cluster.job.owner
    if not owner.is_active:
        raise TokenRefused(TokenRefusalReason.USER_INACTIVE)
    owner.without_administration = True
    owner.only_job = cluster.job_id
    return owner, JobKey(cluster.job_id)


def _is_ours(cluster_id: str, proof: str) -> bool:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(_proof(secret, cluster_id), proof) for secret in secrets)


def _proof(secret: str, cluster_id: str) -> str:
    return hmac.new(secret.encode(), f"job-key:{cluster_id}".encode(), hashlib.sha256).hexdigest()
