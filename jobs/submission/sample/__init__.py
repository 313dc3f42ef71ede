"""The sample job of the first steps: a small flow solver that prints residuals for two minutes."""

from pathlib import Path

from django.utils.translation import gettext as _

from jobs.models import CoreType
from jobs.submission.draft import JobDraft

PROGRAM = Path(__file__).with_name("cavity.py")
WALLTIME_HOURS = 0.25


def cheapest_core_type() -> CoreType | None:
    """Return the active core type whose smallest node costs least; None if the catalogue is empty."""
    offered = [core_type for core_type in CoreType.objects.filter(is_active=True) if core_type.cores]
    return min(offered, key=lambda found: found.price_per_core_hour * found.cores[0], default=None)


def sample_draft(core_type: CoreType) -> JobDraft:
    """Return the sample job on one small node of this type. Its cluster always terminates by itself."""
    return JobDraft(
        name=_("Sample: flow in a box with a moving lid"),
        command=f"cat > cavity.py <<'END'\n{PROGRAM.read_text('utf-8')}END\npython3 cavity.py\n",
        core_type=core_type.code,
        cores_per_slot=core_type.cores[0],
        walltime_hours=WALLTIME_HOURS,
        auto_terminate_cluster=True,
    )
