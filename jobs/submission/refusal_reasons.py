"""Why a job or its draft is refused: stable words for programs. The messages are where they are raised. Pure."""

from enum import StrEnum


class JobRefusal(StrEnum):
    """Why a job or its draft is refused. The REST API returns the value as `reason`: never change one."""

    NAME_MISSING = "name_missing"
    NAME_INVALID = "name_invalid"
    COMMAND_MISSING = "command_missing"
    COMMAND_TOO_LONG = "command_too_long"
    COMMAND_CONTROL_CHARACTERS = "command_control_characters"
    CORE_TYPE_UNKNOWN = "core_type_unknown"
    CORES_NOT_OFFERED = "cores_not_offered"
    SLOTS_OUT_OF_RANGE = "slots_out_of_range"
    WALLTIME_OUT_OF_RANGE = "walltime_out_of_range"
    ENV_VARS_INVALID = "env_vars_invalid"
    ALREADY_SUBMITTED = "already_submitted"
    NOT_SUBMITTED = "not_submitted"
    CLUSTER_RUNNING = "cluster_running"
