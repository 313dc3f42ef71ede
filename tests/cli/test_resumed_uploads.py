"""The command line continues a large upload after a dropped line, and one that an earlier command began."""

import io
import os
from collections.abc import Iterator
from typing import cast

import pytest
from starlette.types import ASGIApp

from accounts.models import User
from jobs.models import StoredFile, Upload
from portal.asgi import django_application
from portal.cli.headnode_cli.client import Portal
from portal.cli.headnode_cli.inputs import upload_file
from portal.upload_stream import UploadStream
from tests.cut_line import CutLine
from tests.factories import token_of
from tests.jobs.api.tus import Tus
from tests.portal.counting_server import serving_with_limit

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving_with_limit(UploadStream(cast("ASGIApp", django_application))) as port:
        yield port


@pytest.fixture
def portal(port: int, alice: User) -> Iterator[Portal]:
    """A portal behind a line that drops after 12 MB."""
    line = CutLine(port, 12 * MEGABYTE)
    found = Portal(f"http://127.0.0.1:{line.port}", token_of(alice))
    yield found
    found.close()
    line.close()


def test_it_goes_on_after_a_cut(portal: Portal) -> None:
    data = os.urandom(24 * MEGABYTE)
    file_id = upload_file(portal, "case.dat", io.BytesIO(data))
    with StoredFile.objects.get(pk=file_id).file.open("rb") as stored:
        assert stored.read() == data
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("is_same", [True, False])
def test_it_continues_what_an_earlier_command_began(
    portal: Portal, port: int, alice: User, is_same: bool
) -> None:
    data = os.urandom(10 * MEGABYTE)
    tus = Tus(port, {"Authorization": f"Token {token_of(alice)}"})
    path = tus.create(len(data), "case.dat")
    tus.patch(path, 0, data[:MEGABYTE] if is_same else os.urandom(MEGABYTE))
    file_id = upload_file(portal, "case.dat", io.BytesIO(data))
    with StoredFile.objects.get().file.open("rb") as stored:
        assert stored.read() == data
    assert StoredFile.objects.get().pk == file_id
    assert Upload.objects.count() == (1 if is_same else 2)
