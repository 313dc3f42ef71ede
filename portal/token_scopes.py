"""Which scopes of API tokens each route and websocket needs: one of those named, to read and to change.

A new route needs its line here: a test walks all routes. A route that is not here is open only to tokens with every
scope.
"""

from accounts.token_scopes import ANY_TOKEN, Scopes, TokenScope

_READ = frozenset({TokenScope.READ})
_JOBS = frozenset({TokenScope.JOBS})
_FILES = frozenset({TokenScope.FILES})
_TERMINAL = frozenset({TokenScope.TERMINAL})
_SETTINGS = frozenset({TokenScope.SETTINGS})
_ADMIN = frozenset({TokenScope.ADMIN})
# Whoever may change jobs may see them, and so on.
_ABOUT_JOBS = (_READ | _JOBS, _JOBS)
_ABOUT_FILES = (_READ | _FILES, _FILES)
_ABOUT_TERMINALS = (_READ | _TERMINAL, _TERMINAL)
_ABOUT_SETTINGS = (_READ | _SETTINGS, _SETTINGS)
_ABOUT_ADMINISTRATION = (_ADMIN, _ADMIN)
# Everybody may read them, and an administrator change them.
_CATALOGUE = (_READ | _JOBS, _ADMIN)
_OPEN = (ANY_TOKEN, ANY_TOKEN)

# By route, without `api/v2/` or `api/v3/`: (to read, to change).
ROUTES: dict[str, tuple[Scopes, Scopes]] = {
    "": _OPEN,
    "api-token-auth/": _OPEN,
    "api/schema/": _OPEN,
    "api/docs/": _OPEN,
    "device-logins/": _OPEN,
    "device-logins/token/": _OPEN,
    # Who it is, and the token itself: a program must be able to end its own.
    "users/me/": (ANY_TOKEN, _SETTINGS),
    "ping/": _OPEN,
    "users/me/token/": _OPEN,
    "users/me/tokens/": _ABOUT_SETTINGS,
    "users/me/tokens/<str:id>/": _ABOUT_SETTINGS,
    "users/me/projects/": (_READ | _JOBS | _SETTINGS, _SETTINGS),
    "users/me/job-settings/": _ABOUT_SETTINGS,
    "users/me/ssh-keys/": _ABOUT_SETTINGS,
    "users/me/ssh-keys/<str:id>/": _ABOUT_SETTINGS,
    "users/me/access-rules/": _ABOUT_SETTINGS,
    "users/me/access-rules/<str:id>/": _ABOUT_SETTINGS,
    "users/me/notifications/": _ABOUT_SETTINGS,
    "users/me/notifications/<str:id>/": _ABOUT_SETTINGS,
    "users/me/notification-choices/": _ABOUT_SETTINGS,
    "users/me/webhooks/": _ABOUT_SETTINGS,
    "users/me/webhooks/<str:id>/": _ABOUT_SETTINGS,
    "users/me/webhooks/<str:id>/test/": _ABOUT_SETTINGS,
    "users/me/webhooks/<str:id>/deliveries/<str:delivery_id>/send-again/": _ABOUT_SETTINGS,
    "users/me/audit-events/": (_READ, _READ),
    "users/me/usage/": (_READ, _READ),
    "projects/": _ABOUT_ADMINISTRATION,
    "projects/<str:id>/": _ABOUT_ADMINISTRATION,
    "project-policy/": _ABOUT_ADMINISTRATION,
    "rate-card/": _ABOUT_ADMINISTRATION,
    "budgets/": (_READ | _ADMIN, _ADMIN),
    "budgets/<str:id>/": (_READ | _ADMIN, _ADMIN),
    "analyses/": _CATALOGUE,
    "analyses/<str:code>/": _CATALOGUE,
    "coretypes/": _CATALOGUE,
    "coretypes/<str:code>/": _CATALOGUE,
    "billing/computeprices/": (_READ | _JOBS, _READ | _JOBS),
    "jobs/": _ABOUT_JOBS,
    "jobs/estimate/": (_READ | _JOBS, _READ | _JOBS),
    "jobs/<str:id>/": _ABOUT_JOBS,
    "jobs/<str:id>/submit/": _ABOUT_JOBS,
    "jobs/<str:id>/stop/": _ABOUT_JOBS,
    "jobs/<str:id>/clone/": _ABOUT_JOBS,
    "jobs/<str:id>/extend/": _ABOUT_JOBS,
    "jobs/<str:id>/cost/": _ABOUT_JOBS,
    "jobs/<str:id>/statuses/": _ABOUT_JOBS,
    "jobs/<str:id>/cluster_statuses/": _ABOUT_JOBS,
    "jobs/<str:id>/tags/": _ABOUT_JOBS,
    "jobs/<str:id>/custom-fields/": _ABOUT_JOBS,
    "jobs/<str:id>/clusters/": _ABOUT_JOBS,
    "jobs/<str:id>/events/": _ABOUT_JOBS,
    "jobs/<str:id>/logs/": _ABOUT_JOBS,
    "jobs/<str:id>/instances/": _ABOUT_JOBS,
    "jobs/<str:id>/connection_details/": _ABOUT_JOBS,
    "jobs/<str:id>/connect/": _ABOUT_JOBS,
    "jobs/<str:id>/context/": _ABOUT_JOBS,
    "jobs/<str:id>/context-report/": _ABOUT_JOBS,
    "jobs/<str:id>/known-hosts/": (_READ | _JOBS | _TERMINAL, _JOBS),
    "jobs/<str:id>/files/": (_READ | _JOBS | _FILES, _FILES),
    "jobs/<str:id>/runs/": _ABOUT_JOBS,
    "jobs/<str:id>/runs/<str:run>/": _ABOUT_JOBS,
    "jobs/<str:id>/runs/<str:run>/files/": (_READ | _JOBS | _FILES, _FILES),
    "clusters/": _ABOUT_JOBS,
    "clusters/<str:handle>/": _ABOUT_JOBS,
    "clusters/<str:handle>/statuses/": _ABOUT_JOBS,
    "clusters/<str:handle>/terminate/": _ABOUT_JOBS,
    "files/": _ABOUT_FILES,
    "files/contents/": _ABOUT_FILES,
    "files/<str:id>/": _ABOUT_FILES,
    "files/<str:id>/contents/": _ABOUT_FILES,
    "files/<str:id>/lines/": _ABOUT_FILES,
    "uploads/": _ABOUT_FILES,
    "uploads/<str:id>/": _ABOUT_FILES,
    "jobs/<str:id>/tree/": _ABOUT_FILES,
    "jobs/<str:id>/tree/content/": _ABOUT_FILES,
    "jobs/<str:id>/archive/": _ABOUT_FILES,
    "machines/": (_READ | _JOBS, _ADMIN),
    "machines/<str:id>/": (_READ | _JOBS, _ADMIN),
    "machines/<str:id>/check/": _ABOUT_ADMINISTRATION,
    "machines/<str:id>/clear-alarm/": _ABOUT_ADMINISTRATION,
    "recordings/<str:id>/": _ABOUT_TERMINALS,
    "recordings/<str:id>/cast/": _ABOUT_TERMINALS,
    "simulator/faults/": _ABOUT_ADMINISTRATION,
    "simulator/capacity/": _ABOUT_ADMINISTRATION,
    "leftovers/": _ABOUT_ADMINISTRATION,
    "leftovers/<str:id>/": _ABOUT_ADMINISTRATION,
    "terminal-sessions/": _ABOUT_TERMINALS,
    "terminal-sessions/<str:id>/": _ABOUT_TERMINALS,
    "terminal-sessions/shared-with-me/": _ABOUT_TERMINALS,
    "terminal-sessions/<str:id>/shares/": _ABOUT_TERMINALS,
    "terminal-sessions/<str:id>/shares/<str:share_id>/": _ABOUT_TERMINALS,
    "terminal-sessions/<str:id>/watchers/": _ABOUT_TERMINALS,
    "host-authority/": (_READ | _JOBS | _TERMINAL, _ADMIN),
    "user-authority/": (_READ | _JOBS | _TERMINAL, _ADMIN),
    "live-sessions/": _ABOUT_ADMINISTRATION,
    "live-sessions/<str:id>/end/": _ABOUT_ADMINISTRATION,
}

# Websockets by their path, without the first slash. Only what matches is open to tokens with fewer than all scopes.
WEBSOCKETS: list[tuple[str, Scopes]] = [
    (r"ws/jobs/[^/]+/events/$", _READ | _JOBS),
    (r"ws/(?:gateways/[^/]+/)?terminal-sessions/[^/]+/$", _TERMINAL),
]
