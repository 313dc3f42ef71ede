"""Variables that start with HEADNODE_ and are not settings of the portal: other programs read or set them."""

from typing import NamedTuple


class OtherVariable(NamedTuple):
    """A variable of another program."""

    name: str
    read_by: str
    meaning: str


OTHERS = (
    OtherVariable(
        "HEADNODE_NEW_PASSWORD",
        "`manage.py add_person`",
        "The password of the new account; one is made if unset.",
    ),
    OtherVariable(
        "HEADNODE_BIND",
        "`docker-compose.yml`",
        "The address of this machine that the portal's port is published on.",
    ),
    OtherVariable(
        "HEADNODE_SUBNET",
        "`docker-compose.yml`",
        "The first three numbers of the nodes' network, `172.31.87`.",
    ),
    OtherVariable("HEADNODE_NO_INSTALL", "`make`", "1: never installs packages of the system."),
    OtherVariable("HEADNODE_TEST_DATABASE_URL", "`make test`", "The database of the tests."),
    OtherVariable("HEADNODE_TEST_CHROMIUM", "`make test`", "The browser of the tests."),
    OtherVariable("HEADNODE_TICK_ROLE", "`make bench`", "Marks the processes of one benchmark."),
    OtherVariable("HEADNODE_JOB_ID", "programs on nodes", "Set on nodes: the id of the job."),
    OtherVariable("HEADNODE_NODES", "programs on nodes", "Set on nodes: the names of the job's nodes."),
    OtherVariable(
        "HEADNODE_CONTEXT", "programs on nodes", "Set on nodes: the folder of the [context](context.md)."
    ),
    OtherVariable("HEADNODE_MEMBER", "programs on nodes", "Set for boot scripts: the name of the member."),
    OtherVariable("HEADNODE_PHASE", "programs on nodes", "Set for boot scripts: the phase they run in."),
    OtherVariable(
        "HEADNODE_LOGIN_PATH", "programs on nodes", "Set while a command starts: the PATH of the login shell."
    ),
    OtherVariable("HEADNODE_URL", "`headnode`", "The portal that the [command line](cli.md) talks to."),
    OtherVariable("HEADNODE_TOKEN", "`headnode`", "The token of the command line."),
    OtherVariable("HEADNODE_CA_FILE", "`headnode`", "A certificate authority of one's own, as a file."),
    OtherVariable("HEADNODE_TOKEN_STORE", "`headnode`", "`file`: never keeps the token in the keyring."),
)
