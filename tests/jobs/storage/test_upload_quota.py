"""How much a person's uploaded files may hold together."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from accounts.models import User
from jobs.models import StoredFile
from tests.api import client_of
from tests.factories import StoredFileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/files/"
MEGABYTE = 1024 * 1024


def _upload(user: User, size: int) -> Any:
    file = {"file": SimpleUploadedFile("case.zip", bytes(size))}
    return client_of(user).post(f"{URL}contents/", file, format="multipart")


@pytest.fixture
def quota(settings: Settings, alice: User) -> None:
    """1 MB, of which alice has used all but 1000 bytes."""
    settings.HEADNODE_UPLOAD_QUOTA_MB = 1
    StoredFileFactory.create(owner=alice, type_id=1, size=MEGABYTE - 1000)


def test_what_is_too_much_is_refused_and_not_stored(quota: None, alice: User) -> None:
    answer = _upload(alice, 1001)

    assert answer.status_code == 413
    assert answer.json()["reason"] == "upload_quota_exceeded"
    assert answer.json()["detail"].startswith("Your uploaded files may hold 1 MB together")
    assert StoredFile.objects.filter(owner=alice).count() == 1


def test_the_quota_can_be_used_up_and_is_free_again(quota: None, alice: User) -> None:
    answer = _upload(alice, 1000)

    assert answer.status_code == 201
    assert answer["X-Upload-Used-Bytes"] == answer["X-Upload-Quota-Bytes"] == str(MEGABYTE)
    assert _upload(alice, 1).status_code == 413
    assert client_of(alice).delete(f"{URL}{answer.json()['id']}/").status_code == 204
    assert _upload(alice, 1).status_code == 201


def test_the_use_is_shown_where_files_are_listed(quota: None, alice: User, bob: User) -> None:
    StoredFileFactory.create(owner=alice, type_id=5, size=5 * MEGABYTE)  # an output does not count

    mine, theirs = client_of(alice).get(URL), client_of(bob).get(URL)

    assert (mine["X-Upload-Used-Bytes"], mine["X-Upload-Quota-Bytes"]) == (
        str(MEGABYTE - 1000),
        str(MEGABYTE),
    )
    assert theirs["X-Upload-Used-Bytes"] == "0"


def test_others_do_not_count(quota: None, alice: User, bob: User) -> None:
    assert _upload(bob, 2000).status_code == 201
