"""Which project a job belongs to."""

from accounts.models import Project, User
from accounts.refusals import Refused
from accounts.services import projects


def project_of(owner: User, asked: str | None) -> str | None:
    """Return the project that a new job belongs to: the one asked for or, if none was named, the owner's default.

    An empty text asks for none. Raises Refused (`project_unknown`).
    """
    if asked is not None:
        return checked_project(owner, asked)
    found = projects.default_project(owner)
    return found.pk if found is not None else None


def project_name(project_id: str | None) -> str:
    """Return what people call a project; of a label that no project has, the label itself."""
    if not project_id:
        return ""
    return Project.objects.filter(pk=project_id).values_list("name", flat=True).first() or project_id


def project_of_copy(owner: User, project_id: str | None) -> str | None:
    """Return the project of a copy: the same or, if that is closed or the owner works on it no more, none named."""
    try:
        return checked_project(owner, project_id)
    except Refused:
        return None


def checked_project(owner: User, project_id: str | None) -> str | None:
    """Return the project's id, None for none. Raises Refused (`project_unknown`) unless the owner works on it."""
    projects.check_project(owner, project_id)
    return project_id or None
