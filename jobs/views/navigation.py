"""The context that the navigation of every page needs."""

from typing import Any

from django.http import HttpRequest

from accounts.users.administrators import is_administrator
from accounts.views.pages import person
from jobs.machines.machine_access import visible_machines


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return functions for every page's context. They query the database only if the template calls them."""

    def shows_machines() -> bool:
        user = person(request)
        return is_administrator(user) or visible_machines(user).exists()

    return {"shows_machines": shows_machines}
