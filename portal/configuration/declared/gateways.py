"""Settings of gateways, terminals and their recordings."""

from portal.configuration.kinds import Folder, ListOf, Number, Switch, Text
from portal.configuration.network_kinds import Host
from portal.configuration.setting import Group, Setting, no_values

_GATEWAY_NAME = Text(
    "name",
    r"[A-Za-z0-9_-]{1,40}",
    "cannot be part of a URL",
    "Name gateways with at most 40 of A-Z, a-z, 0-9, _ and -.",
)
DAY_SECONDS = 86_400

GATEWAYS = Group(
    "Gateways",
    (
        Setting(
            "HEADNODE_GATEWAYS",
            ListOf(_GATEWAY_NAME, "names", "g1,g2"),
            no_values,
            "The names of the gateways that hold the shells of terminals. Without any, web holds them.",
            default_shown="none; `main` with `make run`",
        ),
        Setting(
            "HEADNODE_GATEWAY_NAME", _GATEWAY_NAME, "", "For a gateway: which one of HEADNODE_GATEWAYS it is."
        ),
        Setting(
            "HEADNODE_GATEWAY_HOST",
            Host(),
            lambda values: values["HEADNODE_HOST"],
            "For a gateway: the address to listen on.",
            default_shown="HEADNODE_HOST",
        ),
        Setting(
            "HEADNODE_GATEWAY_PORT",
            Number(0, 65535, 8001),
            0,
            "For a gateway: the port to listen on. 0: it takes connections from web only.",
        ),
        Setting(
            "HEADNODE_GATEWAY_SOCKETS",
            Folder(),
            "",
            "A private folder in which web hands connections to gateways on the same machine.",
        ),
    ),
)

TERMINALS = Group(
    "Terminals",
    (
        Setting(
            "HEADNODE_TERMINAL_GRACE_SECONDS",
            Number(0, 366 * DAY_SECONDS, 28_800),
            28_800,
            "How long a shell is kept after its browser disconnected, in seconds: a closed laptop must not end it.",
        ),
        Setting(
            "HEADNODE_TERMINAL_IDLE_SECONDS",
            Number(0, 366 * DAY_SECONDS, 43_200),
            43_200,
            "A terminal without input is closed after so many seconds. 0: never.",
        ),
        Setting(
            "HEADNODE_TERMINAL_IDLE_WARNING_SECONDS",
            Number(0, DAY_SECONDS, 120),
            120,
            "How many seconds before that a countdown is shown, which any key stops.",
        ),
    ),
)

RECORDINGS = Group(
    "Recordings",
    (
        Setting(
            "HEADNODE_RECORDING_DAYS",
            Number(0, 36_500, 90),
            90,
            "Recordings of terminals are deleted after so many days. 0: never.",
        ),
        Setting(
            "HEADNODE_RECORDING_MAX_MB",
            Number(1, 1_000_000, 64),
            64,
            "The largest size of one recording in MB, before compression.",
        ),
        Setting("HEADNODE_RECORDING_COMPRESS", Switch(), True, "Compress the files of recordings with gzip."),
    ),
)
