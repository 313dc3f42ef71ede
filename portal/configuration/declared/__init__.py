"""The declarations: every setting of the portal, in groups, and every other variable that starts with HEADNODE_."""

from portal.configuration.declared.gateways import GATEWAYS, RECORDINGS, TERMINALS
from portal.configuration.declared.jobs import JOBS, KEYS, NODES, ORPHANS
from portal.configuration.declared.notifications import NOTIFICATIONS
from portal.configuration.declared.service import (
    ADDRESSES,
    API,
    ENCRYPTION,
    LOG,
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
    NOTIFICATIONS,
    LOG,
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
