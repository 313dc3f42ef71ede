"""Call `activity_program.py` on a node: one SSH exec with one answer, bounded in time and size."""

from pathlib import Path

from jobs.node_contract.activity import ActivityReport, parse_activity
from jobs.remote import command_runner
from jobs.remote.answer import RemoteFailed
from sshgateway.ssh.transport import Connection

ACTIVITY_SOURCE = Path(__file__).with_name("activity_program.py").read_text()
SECONDS = 6.0
ANSWER_BYTES = 128 * 1024


def read_activity(connection: Connection) -> ActivityReport:
    """Return what the node measures now. Raises RemoteFailed, SSHError."""
    answer = command_runner.call(
        connection, {}, timeout=SECONDS, source=ACTIVITY_SOURCE, output_limit=ANSWER_BYTES
    )
    report = parse_activity(answer)
    if report is None:
        raise RemoteFailed(None, b"", "the answer is no report of activity")
    return report
