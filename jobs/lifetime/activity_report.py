"""What people and programs are told of a cluster's activity. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.lifetime import idle_limit
from jobs.lifetime.idle import Sighting, Source
from jobs.models import Cluster


@dataclass(frozen=True)
class Activity:
    """The last activity of a cluster that people use, and each source with its last time, the newest first."""

    last_at: datetime
    looked_at: datetime | None
    limit: timedelta | None
    ends_at: datetime | None
    sources: list[Sighting]

    @property
    def idle_limit_minutes(self) -> float | None:
        """The idle limit in minutes."""
        return None if self.limit is None else self.limit / timedelta(minutes=1)


def activity_of(cluster: Cluster) -> Activity | None:
    """Return the activity of a cluster; None while its command runs, or while nobody can use it."""
    since = idle_limit.in_use_since(cluster)
    if since is None:
        return None
    known = list(Source)
    sources = [
        Sighting(Source(row.source), row.at, row.detail)
        for row in cluster.activity.all()
        if row.source in known and row.source != Source.OWNER
    ]
    sources.append(Sighting(Source.OWNER, since))
    ends = idle_limit.limit_of(cluster)
    return Activity(
        last_at=max(since, cluster.active_at or since),
        looked_at=cluster.looked_at,
        limit=idle_limit.policy_of(cluster).limit,
        ends_at=max(ends.at, cluster.keep_running_until or ends.at) if ends else None,
        sources=sorted(sources, key=lambda seen: seen.at, reverse=True),
    )
