"""Whatever sequence of requests an upload sees: its offset is what arrived, and its file is what was sent."""

import base64
import hashlib
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from accounts.models import User
from jobs.models import StoredFile, Upload
from jobs.storage import upload_content
from portal.asgi import django_application
from portal.upload_stream import UploadStream
from tests.factories import token_of
from tests.jobs.api.tus import Tus
from tests.portal.counting_server import serving_with_limit

pytestmark = pytest.mark.django_db(transaction=True)

STEP = st.tuples(
    st.sampled_from(["plain", "chunked", "good", "bad", "shifted", "forgotten", "head"]),
    st.integers(0, 40),
    st.integers(-3, 3),
)


@pytest.fixture
def tus(alice: User) -> Iterator[Tus]:
    with serving_with_limit(UploadStream(cast("ASGIApp", django_application))) as port:
        yield Tus(port, {"Authorization": f"Token {token_of(alice)}"})


@given(st.binary(min_size=1, max_size=100), st.lists(STEP, max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_sequence(tus: Tus, content: bytes, steps: list[tuple[str, int, int]]) -> None:
    path = tus.create(len(content))
    upload_id = path.split("/")[-2]
    offset = 0
    for kind, size, shift in steps:
        body = content[offset : offset + size]
        headers = {}
        if kind == "forgotten":
            upload_content.remembered.take(upload_id, -1)  # as after a restart of the process
        if kind in ("good", "bad"):
            digest = hashlib.sha256(body + b"!" * (kind == "bad")).digest()
            headers["upload_checksum"] = f"sha256 {base64.b64encode(digest).decode()}"
        if kind == "head":
            assert tus.offset(path) == offset
            continue
        at = offset + shift if kind == "shifted" else offset
        answer = tus.patch(path, at, iter([body]) if kind == "chunked" and body else body, **headers)
        if at < 0:
            assert answer.status == 400
        elif at != offset:
            assert answer.status == 409
        elif kind == "bad":
            assert answer.status == 460
        else:
            assert answer.status == 204, answer.text
            offset += len(body)
            assert int(answer.getheader("Upload-Offset")) == offset
        assert tus.offset(path) == offset
    assert tus.patch(path, offset, content[offset:]).status == 204
    file = StoredFile.objects.get(uploads=Upload.objects.get(pk=upload_id))
    assert file.sha512 == hashlib.sha512(content).hexdigest()
