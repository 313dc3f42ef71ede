"""What a node announces is bounded before anything of it is read."""

from typing import Any

import pytest

from accounts.models import User
from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import output_collection
from tests.jobs.making import saved_job

pytestmark = pytest.mark.django_db


def collected(
    user: User, *files: RemoteFile, left: Any = (), more: bool = False
) -> output_collection.Collection:
    """Collect from a node that may not be asked for a single byte."""
    return output_collection.collect_outputs(
        saved_job(user), Listing(list(files), list(left), more), [], lambda: None
    )


def test_a_sparse_giant_is_left_out_unread(alice: User) -> None:
    found = collected(alice, RemoteFile(b"shared/sparse", 8 * 2**40, 0))
    assert (found.files, found.size) == (0, 0)
    assert "more than 100 GB" in found.skipped[0]


@pytest.mark.parametrize(
    "path", [b"../up", b"shared/../../up", b"/etc/passwd", b"shared//x", b"shared/" + b"x" * 300, b"", b"."]
)
def test_a_path_that_is_no_plain_name_is_left_out_unread(alice: User, path: bytes) -> None:
    assert "cannot be kept" in collected(alice, RemoteFile(path, 1, 0)).skipped[0]


def test_what_the_node_left_out_is_told(alice: User) -> None:
    found = collected(alice, left=[(b"shared/link", "a link")], more=True)
    assert found.skipped[0] == "shared/link: a link"
    assert "20000 entries" in found.skipped[1]
