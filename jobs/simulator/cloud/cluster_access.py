"""The access document in force on one cluster."""

from jobs.node_contract.access_document import AccessDocument
from jobs.simulator.ssh_server.access_policy import AccessPolicy


class ClusterAccess:
    """The document, the policy compiled from it, and how often one was pushed."""

    def __init__(self) -> None:
        self.document = AccessDocument()
        self.policy = AccessPolicy()
        self.changes = 0

    def apply(self, document: AccessDocument) -> None:
        """Put a document in force, as far as `AccessDocument.after` says."""
        self.document = document.after(self.document)
        self.policy = AccessPolicy.from_document(self.document)

    def push(self, document: AccessDocument) -> bool:
        """Apply a document from the portal and count it. Return False if it is older than the one in force."""
        if document.version < self.document.version:
            return False
        self.changes += 1
        self.apply(document)
        return True
