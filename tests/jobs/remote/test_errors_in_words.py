"""What a node's program wrote when it failed is shown as a sentence, never as a traceback."""

import pytest

from jobs.remote.answer import RemoteFailed

TRACEBACK = b"""%sTraceback (most recent call last):
  File "<string>", line 1, in <module>
  File "headnode", line 116, in prepare
    with open(os.path.join(HOME, path), "w") as file:
%s
"""


@pytest.mark.parametrize("error", ["No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_one_sentence(error: str) -> None:
    stderr = TRACEBACK % (b"", b"OSError: [Errno 28] %s: '/home/u/.headnode/began'" % error.encode())
    assert str(RemoteFailed(1, stderr, "no complete answer")) == f"The node's disk is full: {error}."


def test_of_a_traceback_only_the_message_is_shown() -> None:
    stderr = TRACEBACK % (b"Welcome to the cluster.\n", b"PermissionError: [Errno 13] Permission denied: 'x'")
    shown = str(RemoteFailed(1, stderr, "no complete answer"))
    assert (
        shown
        == "exit status 1: no complete answer: Welcome to the cluster.\n[Errno 13] Permission denied: 'x'"
    )
    assert "Traceback" not in shown and 'File "' not in shown
    assert "Traceback" in RemoteFailed(1, stderr).stderr, "all of it is there for the portal's own log"


def test_other_error_output_is_shown_as_it_is() -> None:
    assert str(RemoteFailed(127, b"bash: python3: command not found\n")) == (
        "exit status 127: bash: python3: command not found"
    )
