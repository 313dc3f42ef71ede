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
    IDLE_LIMIT_OUT_OF_RANGE = "idle_limit_out_of_range"
    ENV_VARS_INVALID = "env_vars_invalid"
    LICENCES_INVALID = "license_settings_invalid"
    TOO_MANY_ANALYSES = "too_many_analyses"
    DESCRIPTION_INVALID = "description_invalid"
    TAGS_INVALID = "tags_invalid"
    FILTERS_INVALID = "archive_filters_invalid"
    RULES_INVALID = "cidr_rule_invalid"
    END_OF_LIFE_CONTRADICTION = "end_of_life_contradiction"
    LAUNCHED_FROM_DEFINITION = "launched_from_definition"
    ALREADY_SUBMITTED = "already_submitted"
    NOT_SUBMITTED = "not_submitted"
    CLUSTER_RUNNING = "cluster_running"
