"""What the SSH gateway remembers."""

from sshgateway.models.authority_key import AuthorityKey
from sshgateway.models.terminal_notice import TerminalNotice
from sshgateway.models.terminal_session import TerminalSession

__all__ = ["AuthorityKey", "TerminalNotice", "TerminalSession"]
