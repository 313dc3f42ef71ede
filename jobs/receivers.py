"""News from below: a person's keys or rules changed, so their running clusters must hear of it."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import access_changed
from jobs import bell
from jobs.models import Cluster
from jobs.states import Observed
from sshgateway import services as gateway


@receiver(access_changed, dispatch_uid="jobs.push_access")
def push_access(sender: type[User], owner: User, **kwargs: Any) -> None:
    """Make every cluster of the person due, and have their open terminals checked again."""
    live = Cluster.objects.filter(job__owner=owner).exclude(
        observed_state__in=[Observed.RELEASING, Observed.RELEASED]
    )
    for cluster_id in live.values_list("pk", flat=True):
        bell.ring(cluster_id)
    gateway.recheck(owner=owner)
