"""The tables of the SSH gateway."""

from sshgateway.models.authority_key import AuthorityKey
from sshgateway.models.recording import Recording, RecordingRule
from sshgateway.models.terminal_notice import TerminalNotice
from sshgateway.models.terminal_session import TerminalSession
from sshgateway.models.terminal_share import TerminalShare, TerminalVisit

__all__ = [
    "AuthorityKey",
    "Recording",
    "RecordingRule",
    "TerminalNotice",
    "TerminalSession",
    "TerminalShare",
    "TerminalVisit",
]
