"""The page that launches a cluster from a definition. It shows what would be launched and its price first."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused
from accounts.source_address import source_address_of
from accounts.views.pages import actor, person
from jobs.access.access_needs import access_needs
from jobs.definitions import launching, toml_text
from jobs.definitions.launching import CheckedDefinition, DefinitionRefused
from jobs.definitions.problems import DefinitionInvalid, Problem
from jobs.definitions.samples import find_sample, samples
from jobs.models import CoreType
from jobs.views.clusters import find_own_cluster
from jobs.views.definition_preview import digest_of, preview_context, shown_problems


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def launch(request: HttpRequest) -> HttpResponse:
    """Show the form. On POST check the definition, and launch it if its check was shown before (`checked`)."""
    if request.method != "POST":
        return _page(request, _first_text(request))
    try:
        text = _sent_text(request)
        checked = launching.check_definition(person(request), text)
        if "launch" in request.POST and request.POST.get("checked") == digest_of(text):
            cluster = launching.launch_cluster(actor(request), person(request), text)
            return redirect("job_page", cluster.job_id)
    except Refused as refused:
        return _page(request, _shown_text(request), problems=_problems(refused), status=refused.status)
    return _page(request, text, checked=checked, ask_again="launch" in request.POST)


@login_required
@never_cache
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Check a definition without launching it, and render the result as a fragment, while the user writes."""
    try:
        text = _sent_text(request)
        context = _checked_context(request, text) if text.strip() else {}
    except DefinitionRefused as refused:
        context = {"problems": shown_problems(refused.problems, _shown_text(request))}
    return render(request, "jobs/fragments/definition_result.html", context)


def _checked_context(request: HttpRequest, text: str) -> dict[str, Any]:
    return preview_context(text, launching.check_definition(person(request), text))


def _problems(refused: Refused) -> Sequence[Problem]:
    return (
        refused.problems if isinstance(refused, DefinitionRefused) else [Problem(None, "", refused.message)]
    )


def _page(
    request: HttpRequest,
    text: str,
    *,
    checked: CheckedDefinition | None = None,
    problems: Sequence[Problem] = (),
    ask_again: bool = False,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "nav": "clusters",
        "text": text,
        "ask_again": ask_again,
        "problems": shown_problems(problems, text),
        "samples": samples(),
        "sample_texts": {sample.name: sample.text for sample in samples()},
        "core_types": CoreType.objects.filter(is_active=True),
        "most_kb": toml_text.MAX_DEFINITION_BYTES // 1024,
        "most_members": settings.HEADNODE_MAX_SLOTS,
        "most_hours": settings.HEADNODE_MAX_JOB_HOURS,
        "needs": access_needs(person(request), source_address_of(request)),
    }
    if checked is not None:
        context |= preview_context(text, checked)
    return render(request, "jobs/launch.html", context, status=status)


def _first_text(request: HttpRequest) -> str:
    """Return what the field begins with: a sample, the definition of an earlier cluster, or nothing."""
    if sample := find_sample(request.GET.get("sample", "")):
        return sample.text
    if handle := request.GET.get("again", ""):
        cluster = find_own_cluster(request, handle)
        return cluster.definition.text if cluster.has_definition else ""  # type: ignore[attr-defined]
    return ""


def _sent_text(request: HttpRequest) -> str:
    """Return the text of the field, or of the file if one was chosen. Raises DefinitionRefused."""
    file = request.FILES.get("file")
    if file is None:
        return _typed_text(request)
    try:
        return toml_text.decode(file.read(toml_text.MAX_DEFINITION_BYTES + 1)).replace("\r\n", "\n")
    except DefinitionInvalid as invalid:
        raise DefinitionRefused(invalid.problems) from None


def _shown_text(request: HttpRequest) -> str:
    """Return what the field shows after a refusal: the text that was sent, if it is text at all."""
    if (file := request.FILES.get("file")) is not None:
        file.seek(0)
    try:
        return _sent_text(request)
    except DefinitionRefused:
        return _typed_text(request)


def _typed_text(request: HttpRequest) -> str:
    return request.POST.get("definition", "").replace("\r\n", "\n")
