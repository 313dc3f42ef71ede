"""Conditions on several settings together."""

from portal.configuration.declared.service import INSECURE_SECRET_KEY, MAKE_A_SECRET
from portal.configuration.network_kinds import SOCKET_PATH_LIMIT
from portal.configuration.setting import Rule, Values


def _secret_key(values: Values) -> str:
    if values["HEADNODE_DEMO"] or values["HEADNODE_SECRET_KEY"] != INSECURE_SECRET_KEY:
        return ""
    return f"HEADNODE_SECRET_KEY is not set, and this is not a demo. {MAKE_A_SECRET}"


def _longest_life(values: Values) -> str:
    life, walltime = values["HEADNODE_LONGEST_LIFE_HOURS"], values["HEADNODE_MAX_JOB_HOURS"]
    if walltime <= life:
        return ""
    return (
        f"HEADNODE_MAX_JOB_HOURS={walltime} is more than HEADNODE_LONGEST_LIFE_HOURS={life}, which ends every cluster. "
        f"Set HEADNODE_LONGEST_LIFE_HOURS to {walltime} at least."
    )


def _idle_limit(values: Values) -> str:
    usual, longest = values["HEADNODE_IDLE_MINUTES"], values["HEADNODE_MAX_IDLE_MINUTES"]
    if not longest or 0 < usual <= longest:
        return ""
    return (
        f"HEADNODE_IDLE_MINUTES={usual} is beyond HEADNODE_MAX_IDLE_MINUTES={longest}. "
        f"Set HEADNODE_IDLE_MINUTES to at most {longest}, and not to 0."
    )


def _idle_warning(values: Values) -> str:
    idle, warning = values["HEADNODE_TERMINAL_IDLE_SECONDS"], values["HEADNODE_TERMINAL_IDLE_WARNING_SECONDS"]
    if not idle or warning < idle:
        return ""
    return (
        f"HEADNODE_TERMINAL_IDLE_WARNING_SECONDS={warning} is not less than HEADNODE_TERMINAL_IDLE_SECONDS={idle}. "
        "Choose a shorter warning or a longer idle time."
    )


def _gateway_name(values: Values) -> str:
    name, names = values["HEADNODE_GATEWAY_NAME"], values["HEADNODE_GATEWAYS"]
    if not name or name in names:
        return ""
    return (
        f"HEADNODE_GATEWAY_NAME={name} is not one of HEADNODE_GATEWAYS ({','.join(names) or 'none'}). "
        "Set HEADNODE_GATEWAYS to the names of all gateways, in every process."
    )


def _gateway_sockets(values: Values) -> str:
    folder = values["HEADNODE_GATEWAY_SOCKETS"]
    longest = max(map(len, values["HEADNODE_GATEWAYS"]), default=0) + len("/gateway-.sock")
    if not folder or len(str(folder).encode(errors="surrogateescape")) + longest <= SOCKET_PATH_LIMIT:
        return ""
    return (
        f"HEADNODE_GATEWAY_SOCKETS={folder} is too long for unix sockets, whose paths have {SOCKET_PATH_LIMIT} bytes "
        "at most. Choose a shorter path."
    )


RULES = (
    Rule(("HEADNODE_DEMO", "HEADNODE_SECRET_KEY"), _secret_key),
    Rule(("HEADNODE_LONGEST_LIFE_HOURS", "HEADNODE_MAX_JOB_HOURS"), _longest_life),
    Rule(("HEADNODE_IDLE_MINUTES", "HEADNODE_MAX_IDLE_MINUTES"), _idle_limit),
    Rule(("HEADNODE_TERMINAL_IDLE_SECONDS", "HEADNODE_TERMINAL_IDLE_WARNING_SECONDS"), _idle_warning),
    Rule(("HEADNODE_GATEWAY_NAME", "HEADNODE_GATEWAYS"), _gateway_name),
    Rule(("HEADNODE_GATEWAY_SOCKETS", "HEADNODE_GATEWAYS"), _gateway_sockets),
)
