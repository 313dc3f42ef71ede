"""Why a job or a node cannot be reached: one reason for programs, one sentence for people. Pure."""

from enum import StrEnum

from accounts.refusals import Refused


class AccessRefusal(StrEnum):
    """The reasons that this room refuses with. REST clients and stored sessions know them: never change a value."""

    NOT_FOUND = "not_found"
    NO_CLUSTER = "no_cluster"
    CLUSTER_GONE = "cluster_gone"
    NODE_GONE = "node_gone"
    NOT_READY = "not_ready"
    SSH_ACCESS_OFF = "ssh_access_off"
    CIDR_DENIED = "cidr_denied"
    HOST_KEY_CHANGED = "host_key_changed"
    BAD_PORT = "bad_port"
    BAD_WAY = "bad_way"


def no_such_job() -> Refused:
    """The user has no job with this id, or may not know of it."""
    return Refused(AccessRefusal.NOT_FOUND, "There is no such job.", status=404)


def no_such_node() -> Refused:
    """The cluster has no node with this name."""
    return Refused(AccessRefusal.NOT_FOUND, "The cluster has no node of that name.", field="node", status=404)


def not_submitted(reason: AccessRefusal, status: int) -> Refused:
    """The job was only saved. The REST API tells this apart from a cluster that is not ready."""
    return Refused(reason, "The job was not submitted: it has no cluster yet.", status=status)


def cluster_gone() -> Refused:
    """The cluster is being released, or is gone."""
    return Refused(
        AccessRefusal.CLUSTER_GONE,
        "The cluster was terminated, so there is no node to connect to.",
        status=409,
    )


def node_gone(name: str, state: str) -> Refused:
    """The node is stopping, stopped or failed."""
    return Refused(AccessRefusal.NODE_GONE, f"{name} is {state}.", status=409)


def node_not_ready(name: str) -> Refused:
    """The node still boots."""
    return Refused(AccessRefusal.NOT_READY, f"{name} is not ready yet.", status=409)


def ssh_access_off() -> Refused:
    """The owner switched SSH access off."""
    return Refused(
        AccessRefusal.SSH_ACCESS_OFF,
        "SSH access is switched off in Job Settings. Switch it on to connect.",
        status=403,
    )


def address_unknown() -> Refused:
    """The proxy in front of the portal hides where the user comes from."""
    return Refused(
        AccessRefusal.CIDR_DENIED,
        "The proxy in front of the portal did not say which address you come from, so no access rule can let "
        "you in. Tell your administrator.",
        status=403,
    )


def address_denied(address: str) -> Refused:
    """No access rule covers the user's address."""
    return Refused(
        AccessRefusal.CIDR_DENIED,
        f"Your address {address} is in no access rule. Add it in Job Settings to connect.",
        status=403,
    )


def host_key_changed(name: str) -> Refused:
    """The host key alarm of the node is raised."""
    return Refused(
        AccessRefusal.HOST_KEY_CHANGED,
        f"{name} showed another host key than it reported, so nobody is connected to it. "
        "Tell your administrator, who can clear the alarm.",
        status=403,
    )
