"""Settings of jobs, of the nodes they run on, of orphaned clusters, and of the keys people may use."""

import sys

from accounts.keys.key_blob import RSA_LONGEST_BITS, RSA_SHORTEST_BITS
from accounts.keys.key_refusals import ACCEPTED_TYPES
from portal.configuration.kinds import Choice, ListOf, Number, Switch, Text
from portal.configuration.network_kinds import NetworkAddress, NodeNetwork, ServiceURL, bracketed
from portal.configuration.setting import Group, Setting, Values
from portal.configuration.wildcard import reachable_host

YEAR_HOURS = 24 * 366
YEAR_SECONDS = YEAR_HOURS * 3600
# Where the system has more than one loopback address, the simulator gives each node its own.
SIMULATOR_NETWORK = "127.20.0.0/16" if sys.platform == "linux" else "127.0.0.1"


def _own_broker_url(values: Values) -> str:
    return (
        f"http://{bracketed(reachable_host(values['HEADNODE_HOST']))}:{values['HEADNODE_PORT']}/context/v1/"
    )


KEYS = Group(
    "Keys and access rules",
    (
        Setting(
            "HEADNODE_KEY_TYPES",
            ListOf(Choice(ACCEPTED_TYPES), "SSH key types", "ssh-ed25519,sk-ssh-ed25519@openssh.com"),
            lambda values: list(ACCEPTED_TYPES),
            "The types of SSH keys that people may save.",
            default_shown="all safe types",
        ),
        Setting(
            "HEADNODE_RSA_MIN_BITS",
            Number(RSA_SHORTEST_BITS, RSA_LONGEST_BITS, 3072),
            RSA_SHORTEST_BITS,
            "The shortest RSA key.",
        ),
        Setting(
            "HEADNODE_ALLOW_EVERYWHERE",
            Switch(),
            True,
            "Off refuses access rules wider than /8 (IPv4) and /16 (IPv6).",
        ),
    ),
)

JOBS = Group(
    "Jobs",
    (
        Setting(
            "HEADNODE_JOB_USER_PREFIX",
            # The prefix and the six letters of a job id form a Linux user name, which may have 32 bytes at most.
            Text(
                "up to 25 of a-z, 0-9, _ and -",
                r"[a-z_][a-z0-9_-]{0,24}",
                "cannot start a user name",
                "Use at most 25 of a-z, 0-9, _ and -, starting with a letter or _.",
            ),
            "uprod_",
            "Begins the user name on a job's nodes.",
        ),
        Setting("HEADNODE_MAX_SLOTS", Number(1, 100_000, 64), 64, "The most slots of one job."),
        Setting("HEADNODE_MAX_JOB_HOURS", Number(1, YEAR_HOURS, 48), 48, "The longest walltime, in hours."),
        Setting(
            "HEADNODE_KEPT_HEAD_HOURS",
            Number(1, YEAR_HOURS, 24),
            24,
            "How long a head node is kept after its command, in hours.",
        ),
        Setting(
            "HEADNODE_LONGEST_LIFE_HOURS",
            Number(1, YEAR_HOURS, 96),
            96,
            "The longest life of a cluster in hours, extensions included. At least HEADNODE_MAX_JOB_HOURS.",
        ),
        Setting(
            "HEADNODE_IDLE_MINUTES",
            Number(0, YEAR_HOURS * 60, 60),
            60,
            "A cluster that nobody uses ends after so many minutes, unless its job says otherwise. 0: it does not.",
        ),
        Setting(
            "HEADNODE_MAX_IDLE_MINUTES",
            Number(0, YEAR_HOURS * 60, 480),
            0,
            "The longest idle limit that a job may ask for, in minutes. 0: any, and none at all.",
        ),
        Setting(
            "HEADNODE_IDLE_CPU_PERCENT",
            Number(1, 100, 5),
            5,
            "A node that uses so much of its processor, in percent, is in use.",
        ),
        Setting(
            "HEADNODE_IDLE_UNKNOWN_MINUTES",
            Number(1, YEAR_HOURS * 60, 30),
            30,
            "How long a node that does not answer counts as in use, in minutes.",
        ),
        Setting(
            "HEADNODE_MAX_OUTPUT_GB",
            Number(1, 1_000_000, 100),
            100,
            "The most output files of one job together, in GB.",
        ),
        Setting(
            "HEADNODE_COLLECT_HOURS",
            Number(1, YEAR_HOURS, 6),
            6,
            "How long collecting output files may take, in hours. After that the cluster is released without the rest.",
        ),
        Setting(
            "HEADNODE_MAX_UPLOAD_MB",
            Number(1, 10_000_000, 51_200),
            51_200,
            "The largest file to upload, in MB.",
        ),
        Setting(
            "HEADNODE_UPLOAD_QUOTA_MB",
            Number(1, 1_000_000_000, 102_400),
            102_400,
            "How much the uploaded files of one person may hold together, in MB.",
        ),
        Setting(
            "HEADNODE_UPLOAD_EXPIRY_HOURS",
            Number(1, YEAR_HOURS, 168),
            168,
            "How long an upload that broke off can be continued, in hours.",
        ),
        Setting(
            "HEADNODE_MAX_UNPACKED_GB",
            Number(1, 1_000_000, 50),
            50,
            "How much the archives among a job's input files may hold together, in GB. One archive may hold 100 MB, or "
            "100 times its own size if that is more.",
        ),
    ),
)

NODES = Group(
    "Nodes",
    (
        Setting(
            "HEADNODE_BOOT_LIMIT_SECONDS",
            Number(1, 86_400, 600),
            600,
            "How long nodes may take to boot, in seconds.",
        ),
        Setting(
            "HEADNODE_BROKER_URL",
            ServiceURL(("http", "https"), "http://headnode.example.org:8000/context/v1/", ends_in_slash=True),
            _own_broker_url,
            "The URL at which nodes reach the context broker.",
            default_shown="on HEADNODE_HOST and HEADNODE_PORT",
        ),
        Setting(
            "HEADNODE_JOB_API_URL",
            ServiceURL(
                ("http", "https"), "https://headnode.example.org/", may_have_path=False, ends_in_slash=True
            ),
            lambda values: values["HEADNODE_PUBLIC_URL"],
            "The portal's address for the commands of jobs, which find it in `RESCALE_API_BASE_URL`. Its host must be "
            "among HEADNODE_ALLOWED_HOSTS.",
            default_shown="HEADNODE_PUBLIC_URL",
        ),
        Setting(
            "HEADNODE_GATEWAY_ADDRESSES",
            ListOf(NetworkAddress(), "addresses", "192.0.2.7"),
            lambda values: ["127.0.0.1"],
            "The source addresses of the portal's own connections, as nodes and [machines](machines.md) see them.",
            default_shown="127.0.0.1",
        ),
        Setting(
            "HEADNODE_NODE_NETWORKS",
            ListOf(NodeNetwork(), "networks", "10.20.0.0/16"),
            lambda values: [values["HEADNODE_SIMULATOR_ADDRESS"] or SIMULATOR_NETWORK],
            "The networks of the nodes. The host authority is trusted for these only ([host trust](host-trust.md)).",
            default_shown="the simulator's, `127.20.0.0/16`",
        ),
        Setting(
            "HEADNODE_HOST_CERTIFICATE_SECONDS",
            Number(60, YEAR_SECONDS, 86_400),
            86_400,
            "How long a node's host certificate is valid, in seconds. It is renewed after half of that.",
        ),
        Setting(
            "HEADNODE_SIMULATOR_URL",
            ServiceURL(
                ("http", "https", "unix"), "http://simulator.example.org:9100 or unix:/run/simulator.sock"
            ),
            lambda values: f"unix:{values['HEADNODE_VAR'] / 'simulator.sock'}",
            "Where the portal reaches the simulator.",
            default_shown="a socket in HEADNODE_VAR",
        ),
    ),
)

ORPHANS = Group(
    "Orphaned clusters",
    (
        Setting(
            "HEADNODE_LEFTOVER_EVERY_SECONDS",
            Number(1, 86_400, 60),
            60,
            "How often providers are asked for clusters that no job uses, in seconds.",
        ),
        Setting(
            "HEADNODE_LEFTOVER_AGE_SECONDS",
            Number(0, YEAR_SECONDS, 300),
            300,
            "The age at which such a cluster is listed, in seconds.",
        ),
        Setting(
            "HEADNODE_LEFTOVER_GRACE_MINUTES",
            Number(0, YEAR_HOURS * 60, 60),
            60,
            "How long it is listed before it is terminated, in minutes.",
        ),
        Setting(
            "HEADNODE_PORTAL_ID",
            Text(
                "up to 64 letters, digits, `.`, `-`, `_`",
                r"[A-Za-z0-9._-]{1,64}",
                "is not a portal id",
                "Use at most 64 letters, digits, dots, hyphens and underscores, or leave it unset.",
            ),
            "",
            "This portal's id, sent with every order (see below).",
            default_shown="random, in the database",
        ),
    ),
)
