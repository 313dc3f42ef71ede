"""The declarations: every setting of the portal, in groups, and every other variable that starts with HEADNODE_."""

from portal.configuration.declared.gateways import GATEWAYS, RECORDINGS, TERMINALS
from portal.configuration.declared.jobs import JOBS, KEYS, NODES, ORPHANS
from portal.configuration.declared.service import (
    ADDRESSES,
    API,
    ENCRYPTION,
    MAIL_AND_LOG,
    PROCESSES,
    SECRETS,
    STORES,
)
from portal.configuration.declared.simulator import SIMULATOR
from portal.configuration.setting import Group, Setting

# In this order, because a default may use the values of settings before it.
GROUPS: tuple[Group, ...] = (
    ADDRESSES,
    ENCRYPTION,
    SECRETS,
    STORES,
    MAIL_AND_LOG,
    API,
    KEYS,
    JOBS,
    SIMULATOR,
    NODES,
    ORPHANS,
    GATEWAYS,
    TERMINALS,
    RECORDINGS,
    PROCESSES,
)
SETTINGS: tuple[Setting, ...] = tuple(setting for group in GROUPS for setting in group.settings)
