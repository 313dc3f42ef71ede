"""Projects: who works on them, which one a job belongs to, and whether every job needs one."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import Project, ProjectMembership, ProjectPolicy, User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.services.input_checks import clean_name
from accounts.users.administrators import check_administrator

ONLY_ADMINISTRATORS = "Only an administrator can change projects."
MAX_ID = 40
MAX_PEOPLE = 1000


def projects_of(person: User) -> QuerySet[Project]:
    """Return the projects that a person's new jobs can belong to."""
    return Project.objects.filter(members=person, closed_at=None)


def default_project(person: User) -> Project | None:
    """Return the project of jobs that name none."""
    return projects_of(person).filter(memberships__person=person, memberships__is_default=True).first()


def is_project_required() -> bool:
    """Return whether every job needs a project."""
    return ProjectPolicy.objects.filter(is_required=True).exists()


def _can_be_id(text: str) -> bool:
    """Return whether a text can be a project's id, or a label in its place: no database need be asked otherwise."""
    return len(text) <= MAX_ID and text.isprintable()


def check_project(person: User, project_id: str | None) -> None:
    """Raise Refused (`project_unknown`) unless the person's jobs can belong to this project, or none is named.

    While the portal has no projects at all, any text is a label: programs written for Rescale may send one.
    """
    if not project_id:
        return
    if not _can_be_id(project_id):
        text = f"A project's id has at most {MAX_ID} characters, all printable."
        raise Refused(RefusalReason.PROJECT_UNKNOWN, text, field="projectId")
    if projects_of(person).filter(pk=project_id).exists() or not Project.objects.exists():
        return
    names = ", ".join(f"{project.name} ({project.pk})" for project in projects_of(person))
    text = f"You work on no such project. Yours: {names}." if names else "You work on no project yet."
    raise Refused(RefusalReason.PROJECT_UNKNOWN, text, field="projectId")


def check_project_for_run(person: User, project_id: str | None) -> None:
    """Raise Refused (`project_required`, `project_unknown`) unless a job may run with this project."""
    check_project(person, project_id)
    if not project_id and is_project_required():
        raise Refused(
            RefusalReason.PROJECT_REQUIRED,
            "Every job needs a project here. Choose one of yours (users/me/projects/), then submit.",
            field="projectId",
        )


def people_named(names: Sequence[str]) -> list[User]:
    """Return the people with these user names. Raises Refused (`person_unknown`, `too_many_people`)."""
    if len(names) > MAX_PEOPLE:
        text = f"A project has at most {MAX_PEOPLE} people."
        raise Refused(RefusalReason.TOO_MANY_PEOPLE, text, field="members")
    asked = [name for name in names if name.isprintable()]
    found = {user.get_username(): user for user in User.objects.filter(username__in=asked)}
    if unknown := [name for name in names if name not in found]:
        text = f"There is no person with the user name {unknown[0]}."
        raise Refused(RefusalReason.PERSON_UNKNOWN, text, field="members")
    return list(found.values())


def create_project(actor: Actor, name: str, members: Sequence[User] = ()) -> Project:
    """Make a project. Raises Refused (`name_invalid`, `name_taken`, `not_administrator`)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    name = _checked_name(name)
    try:
        with transaction.atomic():
            project = Project.objects.create(name=name)
            _set_members(project, members)
            _record(actor, AccountsAuditAction.PROJECT_ADDED, project, {})
    except IntegrityError:
        raise _taken(name) from None
    return project


def change_project(
    actor: Actor,
    project: Project,
    *,
    name: str | None = None,
    members: Sequence[User] | None = None,
    is_closed: bool | None = None,
) -> Project:
    """Change what is given. Raises Refused (`name_invalid`, `name_taken`, `not_administrator`)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    name = None if name is None else _checked_name(name)
    try:
        with transaction.atomic():
            project = Project.objects.select_for_update().get(pk=project.pk)
            before = _facts(project)
            project.name = project.name if name is None else name
            if is_closed is not None and is_closed != (project.closed_at is not None):
                project.closed_at = timezone.now() if is_closed else None
            project.save()
            if members is not None:
                _set_members(project, members)
            if _facts(project) != before:
                _record(actor, AccountsAuditAction.PROJECT_CHANGED, project, before)
    except IntegrityError:
        raise _taken(name or "") from None
    return project


def set_default_project(actor: Actor, person: User, project_id: str | None) -> None:
    """Choose the project of jobs that name none; None for no default. Raises Refused (`project_unknown`)."""
    with transaction.atomic():
        own = ProjectMembership.objects.filter(person=person)
        # All of them, in one order: another choice at the same time waits, and then sees this one.
        list(own.order_by("pk").select_for_update())
        before = default_project(person)
        chosen = None
        if project_id and _can_be_id(project_id):
            chosen = own.filter(project=project_id, project__closed_at=None).first()
        if project_id and chosen is None:
            raise Refused(RefusalReason.PROJECT_UNKNOWN, "You work on no such project.", field="project")
        own.filter(is_default=True).update(is_default=False)
        if chosen is not None:
            own.filter(pk=chosen.pk).update(is_default=True)
        if project_id != (before.pk if before else None):
            action = AccountsAuditAction.DEFAULT_PROJECT_CHANGED
            facts = [
                {"name": project.name if project else ""} for project in (before, default_project(person))
            ]
            record(actor, action, "project", project_id or "", owner=person, before=facts[0], after=facts[1])


def set_project_required(actor: Actor, is_required: bool) -> None:
    """Say whether every job needs a project; it counts for jobs that are submitted from now on."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        before = is_project_required()
        ProjectPolicy.objects.update_or_create(pk=1, defaults={"is_required": is_required})
        if before != is_required:
            action = AccountsAuditAction.PROJECT_POLICY_CHANGED
            name = "Projects"
            record(
                actor,
                action,
                "project_policy",
                1,
                before={"name": name, "required": before},
                after={"name": name, "required": is_required},
            )


def _set_members(project: Project, members: Sequence[User]) -> None:
    ids = {person.pk for person in members}
    project.memberships.exclude(person__in=ids).delete()
    known = set(project.memberships.values_list("person_id", flat=True))
    ProjectMembership.objects.bulk_create(
        ProjectMembership(project=project, person_id=pk) for pk in sorted(ids - known)
    )


def _checked_name(name: str) -> str:
    name = clean_name(name, field="name", limit=80)
    if not name:
        raise Refused(RefusalReason.NAME_INVALID, "Give the project a name.", field="name")
    return name


def _taken(name: str) -> Refused:
    return Refused(RefusalReason.NAME_TAKEN, f"There is a project “{name}” already.", field="name")


def _facts(project: Project) -> dict[str, object]:
    people = project.memberships.order_by("person__username").values_list("person__username", flat=True)
    return {"name": project.name, "members": ", ".join(people), "closed": project.closed_at is not None}


def _record(actor: Actor, action: AccountsAuditAction, project: Project, before: dict[str, object]) -> None:
    record(actor, action, "project", project.pk, before=before, after=_facts(project))
