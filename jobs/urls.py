"""Routes of the job pages."""

from django.urls import URLPattern, path

from jobs.views import (
    boot_stream,
    clusters,
    connect,
    job_list,
    job_page,
    launch,
    machine_admin,
    machines,
    new_job,
    oversight,
    recordings,
    simulated_cloud,
    terminals,
    verbs,
)

urlpatterns: list[URLPattern] = [
    path("", job_list.job_list, name="job_list"),
    path("jobs/new/", new_job.new_job, name="new_job"),
    path("clusters/", clusters.cluster_list, name="cluster_list"),
    path("clusters/launch/", launch.launch, name="cluster_launch"),
    path("clusters/launch/check/", launch.check, name="cluster_check"),
    path("clusters/<str:handle>/terminate/", clusters.terminate, name="cluster_terminate"),
    path("clusters/<str:handle>/definition.toml", clusters.definition, name="cluster_definition"),
    path("administration/simulated-cloud/", simulated_cloud.simulated_cloud, name="simulated_cloud"),
    path("administration/simulated-cloud/on/", simulated_cloud.switch_on, name="fault_on"),
    path("administration/simulated-cloud/off/", simulated_cloud.switch_off, name="fault_off"),
    path("administration/simulated-cloud/cores/", simulated_cloud.set_cores, name="capacity_set"),
    path("jobs/<str:job_id>/", job_page.job_page, name="job_page"),
    path("jobs/<str:job_id>/fragments/state/", job_page.state_fragment, name="job_state_fragment"),
    path("jobs/<str:job_id>/connect/", connect.connect, name="job_connect"),
    path("jobs/<str:job_id>/log.txt", job_page.log_text, name="job_log_text"),
    path("jobs/<str:job_id>/nodes/<str:node>/boot/", boot_stream.lines, name="job_boot_stream"),
    path("jobs/<str:job_id>/nodes/<str:node>/boot.txt", boot_stream.text, name="job_boot_text"),
    path("jobs/<str:job_id>/submit/", verbs.submit, name="job_submit"),
    path("jobs/<str:job_id>/terminate/", verbs.terminate, name="job_terminate"),
    path("jobs/<str:job_id>/delete/", verbs.delete, name="job_delete"),
    path("jobs/<str:job_id>/terminal/<str:node>/", job_page.terminal, name="job_terminal"),
    path("machines/", machines.machines, name="machines"),
    path("machines/new/", machine_admin.new_machine, name="new_machine"),
    path("machines/<int:machine_id>/", machine_admin.machine, name="machine"),
    path("machines/<int:machine_id>/check/", machine_admin.check, name="machine_check"),
    path("machines/<int:machine_id>/clear-alarm/", machine_admin.clear_alarm, name="machine_clear_alarm"),
    path("machines/<int:machine_id>/remove/", machine_admin.remove, name="machine_remove"),
    path("machines/<int:machine_id>/terminal/", machines.terminal, name="machine_terminal"),
    path("terminals/", terminals.terminals, name="terminals"),
    path("terminals/<str:session_id>/", terminals.others_terminal, name="others_terminal"),
    path("recordings/<str:recording_id>/", recordings.recording, name="recording"),
    path("administration/terminals/", oversight.live_sessions, name="live_sessions"),
    path(
        "administration/terminals/<str:session_id>/end/", oversight.end_live_session, name="end_live_session"
    ),
    path("administration/recording/", oversight.recording_rules, name="recording_rules"),
    path(
        "administration/recording/<int:rule_id>/remove/",
        oversight.remove_recording_rule,
        name="remove_recording_rule",
    ),
]
