"""The kinds of audit event that jobs records, each with its title."""

from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import AuditAction


class JobsAuditAction(AuditAction):
    """What jobs records. Values are saved in the database forever: never change one."""

    JOB_CREATED = "jobs:job:created", _("Job saved")
    JOB_CLONED = "jobs:job:cloned", _("Job cloned")
    JOB_EDITED = "jobs:job:edited", _("Job changed")
    JOB_SUBMITTED = "jobs:job:submitted", _("Job submitted")
    JOB_STOPPED = "jobs:job:stopped", _("Job terminated")
    JOB_EXTENDED = "jobs:job:extended", _("Cluster extended")
    JOB_DELETED = "jobs:job:deleted", _("Job deleted")
    CLUSTER_LAUNCHED = "jobs:cluster:launched", _("Cluster launched from a definition")
    LEFTOVER_REMOVAL_ASKED = "jobs:leftover:removal_asked", _("Removal of a leftover cluster requested")
    LEFTOVER_REMOVED = "jobs:leftover:removed", _("Leftover cluster removed")
    NODE_REFUSED = "jobs:node:refused", _("Report of a node refused")
    NODE_HOST_KEY_ALARM = "jobs:node:host_key_alarm", _("Host key alarm of a node")
    NODE_HOST_KEY_ALARM_CLEARED = "jobs:node:host_key_alarm_cleared", _("Host key alarm of a node cleared")
    FILE_UPLOADED = "jobs:file:uploaded", _("File uploaded")
    FILE_CHANGED = "jobs:file:changed", _("File changed")
    FILE_DELETED = "jobs:file:deleted", _("File deleted")
    RUN_FILES_READ = "jobs:run_file:read", _("Files on a node read")
    RUN_FILE_WRITTEN = "jobs:run_file:written", _("File on a node written")
    RUN_FILE_RENAMED = "jobs:run_file:renamed", _("File on a node renamed")
    RUN_FILE_DELETED = "jobs:run_file:deleted", _("File on a node deleted")
    RUN_FOLDER_MADE = "jobs:run_folder:made", _("Folder on a node created")
    FAULT_SWITCHED_ON = "jobs:fault:switched_on", _("Fault of the simulated cloud switched on")
    FAULT_SWITCHED_OFF = "jobs:fault:switched_off", _("Fault of the simulated cloud switched off")
    CAPACITY_CHANGED = "jobs:capacity:changed", _("Cores of the simulated cloud changed")
    PRICES_CHANGED = "jobs:rate_card:changed", _("Rate card changed")
    BUDGET_ADDED = "jobs:budget:added", _("Budget added")
    BUDGET_CHANGED = "jobs:budget:changed", _("Budget changed")
    BUDGET_REMOVED = "jobs:budget:removed", _("Budget removed")
    BUDGET_STEP_REACHED = "jobs:budget:step_reached", _("Step of a budget reached")
    CORE_TYPE_ADDED = "jobs:core_type:added", _("Core type added")
    CORE_TYPE_CHANGED = "jobs:core_type:changed", _("Core type changed")
    ANALYSIS_ADDED = "jobs:analysis:added", _("Analysis added")
    ANALYSIS_CHANGED = "jobs:analysis:changed", _("Analysis changed")
    MACHINE_ADDED = "jobs:machine:added", _("Machine added")
    MACHINE_CHANGED = "jobs:machine:changed", _("Machine changed")
    MACHINE_REMOVED = "jobs:machine:removed", _("Machine removed")
    MACHINE_CHECKED = "jobs:machine:checked", _("Machine checked")
    MACHINE_HOST_KEY_ALARM = "jobs:machine:host_key_alarm", _("Host key alarm of a machine")
    MACHINE_HOST_KEY_ALARM_CLEARED = (
        "jobs:machine:host_key_alarm_cleared",
        _("Host key alarm of a machine cleared"),
    )
