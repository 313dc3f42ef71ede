"""The URLs of sshgateway under /api/v2/ and /api/v3/."""

from django.urls import path

from sshgateway.api import authorities, live_sessions, session_shares

urlpatterns = [
    path("host-authority/", authorities.HostAuthority.as_view()),
    path("user-authority/", authorities.UserAuthority.as_view()),
    path("live-sessions/", live_sessions.LiveSessions.as_view()),
    path("live-sessions/<str:id>/end/", live_sessions.EndLiveSession.as_view()),
    # Must come before terminal-sessions/<id>/ of the app above. An id has 32 characters, so this is never one.
    path("terminal-sessions/shared-with-me/", session_shares.SharedWithMe.as_view()),
    path("terminal-sessions/<str:id>/shares/", session_shares.SessionShares.as_view()),
    path("terminal-sessions/<str:id>/shares/<str:share_id>/", session_shares.OneShare.as_view()),
    path("terminal-sessions/<str:id>/watchers/", session_shares.Watchers.as_view()),
]
