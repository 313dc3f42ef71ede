"""Why the broker refuses what a node sends: one reason for programs, with its HTTP status and sentence. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.refusals import ReasonWithMessage, Refused
from jobs.node_contract.boot_lines import BAD_LINES
from jobs.node_contract.broker_calls import BAD_REPORT
from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.registration import BAD_REGISTRATION


class NodeRefusal(ReasonWithMessage):
    """The reasons of the broker. Node agents and the audit trail know them: never change a value."""

    NO_CREDENTIAL = "token_missing", "Send the header `Authorization: Node <token>`."
    UNKNOWN_NODE = "token_unknown", "No node has this token."
    EXPIRED = "token_expired", "This token has expired: the node took too long."
    REPLAYED = "token_replayed", "This token was used with other host keys before."
    SPENT = "token_spent", "This token was used up by an earlier report."
    TOO_LATE = "too_late", "The cluster is not booting any more."
    NOT_REGISTERED = "not_registered", "Register before you report."
    ADDRESS_TAKEN = "address_taken", "Another node has this address or name."
    PEER_FAILED = "peer_failed", "A role that this node requires has no provider left."
    LINE_DIFFERS = "line_differs", "A line with this sequence was sent before with other content."
    TOO_MANY_LINES = "too_many_lines", "The node's boot stream is full."
    TOO_LARGE = "too_large", "The body is too large."
    NOT_JSON = "not_json", "The body is not a JSON object."
    BAD_REGISTRATION = BAD_REGISTRATION, "The registration is malformed."
    BAD_LINES = BAD_LINES, "The lines are malformed."
    BAD_REPORT = BAD_REPORT, "The report is malformed."

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return _STATUSES.get(self, 409)

    def refused(self, sentence: str = "", field: str | None = None) -> Refused:
        """Return the exception to raise; `sentence` replaces the usual one where more is known."""
        return Refused(self, sentence or self.message, field=field, status=self.status)


_STATUSES = {
    NodeRefusal.NO_CREDENTIAL: 401,
    NodeRefusal.UNKNOWN_NODE: 401,
    NodeRefusal.EXPIRED: 401,
    NodeRefusal.TOO_MANY_LINES: 413,
    NodeRefusal.TOO_LARGE: 413,
    NodeRefusal.NOT_JSON: 400,
    NodeRefusal.BAD_REGISTRATION: 400,
    NodeRefusal.BAD_LINES: 400,
    NodeRefusal.BAD_REPORT: 400,
}
# By the reason with which the node contract rejects a request.
_MALFORMED = {
    reason.value: reason
    for reason in (NodeRefusal.BAD_REGISTRATION, NodeRefusal.BAD_LINES, NodeRefusal.BAD_REPORT)
}


@contextmanager
def refuse_invalid_documents() -> Iterator[None]:
    """Raise Refused, with the same reason, for an InvalidDocument that the node contract raises on a request."""
    try:
        yield
    except InvalidDocument as error:
        raise _MALFORMED[error.reason].refused(error.message, field=error.field or None) from error
