"""Projects: a person's own with the default one; administrators make them and say who works on them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Project, User
from accounts.refusals import Refused
from accounts.services import projects
from accounts.users.administrators import is_administrator
from accounts.views.pages import actor, administrators_only, is_fragment, person

MAX_NAMES = 8
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class RefusedForm:
    """What was typed into the form of a project, and what was wrong with it, by field."""

    project_id: str
    name: str
    members: str
    errors: Mapping[str, str]


@dataclass(frozen=True)
class ProjectRow:
    """A project of the list: who works on it, what its form shows, and what was wrong with that."""

    project: Project
    count: int
    people: str
    name: str
    members: str
    errors: Mapping[str, str]


@login_required
@never_cache
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    """Show the person's projects; to administrators also all of them, with forms."""
    return _show(request)


@login_required
@require_POST
def choose_default(request: HttpRequest) -> HttpResponse:
    """Choose the project of jobs that name none."""
    try:
        projects.set_default_project(actor(request), person(request), request.POST.get("project") or None)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Saved. It is chosen for your new jobs."))
    return redirect("projects")


@administrators_only
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Make a project."""
    name, members = request.POST.get("name", ""), request.POST.get("members", "")
    try:
        made = projects.create_project(actor(request), name, _people(members))
    except Refused as refused:
        typed = {"name": name, "members": members}
        return _show(request, refused.status, typed=typed, errors={refused.field or "name": refused.message})
    messages.success(request, _("Added “%(name)s”.") % {"name": made.name})
    return redirect("projects")


@administrators_only
@require_POST
def change(request: HttpRequest, project_id: str) -> HttpResponse:
    """Change a project's name and members, close it or open it again."""
    project = get_object_or_404(Project, pk=project_id)
    try:
        if "close" in request.POST:
            is_closed = request.POST["close"] == "1"
            projects.change_project(actor(request), project, is_closed=is_closed)
        else:
            projects.change_project(
                actor(request),
                project,
                name=request.POST.get("name", ""),
                members=_people(request.POST.get("members", "")),
            )
    except Refused as refused:
        name, members = request.POST.get("name", project.name), request.POST.get("members", "")
        form = RefusedForm(project.pk, name, members, {refused.field or "name": refused.message})
        return _show(request, refused.status, refused_form=form)
    messages.success(request, _("Saved."))
    return redirect("projects")


@administrators_only
@require_POST
def policy(request: HttpRequest) -> HttpResponse:
    """Say whether every job needs a project."""
    is_required = request.POST.get("required") == "on"
    projects.set_project_required(actor(request), is_required)
    saved = (
        _("Saved: from now on, every job needs a project.")
        if is_required
        else _("Saved: from now on, jobs need no project.")
    )
    if is_fragment(request):
        context = {"is_required": is_required, "notices": [("good", saved)]}
        return render(request, "accounts/fragments/project_policy.html", context)
    messages.success(request, saved)
    return redirect("projects")


def _show(
    request: HttpRequest, status: int = 200, refused_form: RefusedForm | None = None, **more: Any
) -> HttpResponse:
    user = person(request)
    every = Project.objects.prefetch_related("members") if is_administrator(user) else Project.objects.none()
    default = projects.default_project(user)
    context = {
        "nav": "projects",
        "own": projects.projects_of(user),
        "default_id": default.pk if default else "",
        "is_administrator": is_administrator(user),
        "rows": [_row(project, refused_form) for project in every],
        "is_required": projects.is_project_required(),
        **more,
    }
    return render(request, "accounts/projects.html", context, status=status)


def _row(project: Project, refused: RefusedForm | None) -> ProjectRow:
    members = sorted(project.members.all(), key=User.get_username)
    user_names = ", ".join(member.get_username() for member in members)
    form = RefusedForm(project.pk, project.name, user_names, {})
    if refused and refused.project_id == project.pk:
        form = refused
    return ProjectRow(project, len(members), _names(members), form.name, form.members, form.errors)


def _names(people: Iterable[User]) -> str:
    """Return the names of at most MAX_NAMES people, and how many more there are."""
    names = [person.get_full_name() or person.get_username() for person in people]
    shown = ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        return _("%(names)s and %(count)d more") % {"names": shown, "count": len(names) - MAX_NAMES}
    return shown


def _people(text: str) -> list[User]:
    return projects.people_named([name for name in _SEPARATORS.split(text) if name])
