"""The activity of a cluster on the job page: the last one, and every source with its last time."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from jobs.durations import about_text
from jobs.lifetime import activity_report, idle
from jobs.lifetime.idle import Source
from jobs.models import Cluster

# Listed even if nothing was ever seen of them, so that people know what counts.
ALWAYS = (Source.TERMINAL, Source.PROGRAM, Source.SSH, Source.TRANSFER, Source.CPU)


@dataclass(frozen=True)
class SourceRow:
    """A source; `at` is None if nothing was seen of it."""

    label: str
    at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class ActivityView:
    """What the page shows. `limit` is empty without an idle limit."""

    last: SourceRow
    sources: list[SourceRow]
    limit: str
    looked_at: datetime | None


def activity_view_of(cluster: Cluster | None) -> ActivityView | None:
    """Return the activity of a cluster that people use; None for any other."""
    found = activity_report.activity_of(cluster) if cluster is not None else None
    if found is None:
        return None
    rows = [SourceRow(gettext(idle.LABELS[seen.source]), seen.at, seen.detail) for seen in found.sources]
    seen_sources = {seen.source for seen in found.sources}
    missing = [SourceRow(gettext(idle.LABELS[source])) for source in ALWAYS if source not in seen_sources]
    return ActivityView(
        last=rows[0],
        sources=[*rows, *missing],
        limit=about_text(found.limit) if found.limit else "",
        looked_at=found.looked_at,
    )
