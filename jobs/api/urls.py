"""Routes under /api/v2/ and /api/v3/."""

from django.urls import path

from jobs.api import (
    analyses,
    connect,
    core_types,
    file_content,
    instances,
    job_events,
    jobs,
    runs,
    statuses,
    stored_files,
    terminal_sessions,
)

urlpatterns = [
    path("analyses/", analyses.Analyses.as_view()),
    path("coretypes/", core_types.CoreTypes.as_view()),
    path("billing/computeprices/", core_types.ComputePrices.as_view()),
    path("jobs/", jobs.Jobs.as_view()),
    path("jobs/<str:id>/", jobs.OneJob.as_view()),
    path("jobs/<str:id>/submit/", jobs.Submit.as_view()),
    path("jobs/<str:id>/stop/", jobs.Stop.as_view()),
    path("jobs/<str:id>/statuses/", statuses.JobStatuses.as_view()),
    path("jobs/<str:id>/cluster_statuses/", statuses.ClusterStatuses.as_view()),
    path("jobs/<str:id>/events/", job_events.JobEvents.as_view()),
    path("jobs/<str:id>/logs/", job_events.JobLogs.as_view()),
    path("jobs/<str:id>/instances/", instances.Instances.as_view()),
    path("jobs/<str:id>/connection_details/", instances.ConnectionDetails.as_view()),
    path("jobs/<str:id>/connect/", connect.Connect.as_view()),
    path("jobs/<str:id>/known-hosts/", instances.KnownHosts.as_view()),
    path("jobs/<str:id>/files/", stored_files.JobFiles.as_view()),
    path("jobs/<str:id>/runs/", runs.Runs.as_view()),
    path("jobs/<str:id>/runs/<str:run>/", runs.OneRun.as_view()),
    path("jobs/<str:id>/runs/<str:run>/files/", runs.RunFiles.as_view()),
    path("files/", stored_files.Files.as_view()),
    path("files/contents/", stored_files.Upload.as_view()),
    path("files/<str:id>/", stored_files.OneFile.as_view()),
    path("files/<str:id>/contents/", file_content.FileContents.as_view()),
    path("files/<str:id>/lines/", file_content.FileLines.as_view()),
    path("terminal-sessions/", terminal_sessions.TerminalSessions.as_view()),
    path("terminal-sessions/<str:id>/", terminal_sessions.OneTerminalSession.as_view()),
]
