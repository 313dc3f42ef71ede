"""A recorded terminal: what it printed can be read back, whatever becomes of the gateway; what was typed cannot."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as configured
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from sshgateway.models import Recording, RecordingRule, TerminalSession
from sshgateway.recording import recorder, store, writer
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_storage(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


async def recorded(
    desk: Desk, node: Node, owner: User, mode: str = "on", on_failure: str = "go_on"
) -> TerminalSession:
    await RecordingRule.objects.aupdate_or_create(
        person=None, core_type="", defaults={"mode": mode, "on_failure": on_failure}
    )
    return await desk.open(owner, node.target())


def lines_of(recording: Recording) -> list[Any]:
    return [json.loads(line) for line in b"".join(store.read_asciicast(recording)).decode().splitlines()]


def printed(recording: Recording) -> str:
    return "".join(event[2] for event in lines_of(recording)[1:] if event[1] == "o")


async def of(session: TerminalSession) -> Recording:
    return await Recording.objects.aget(session=session)


async def finished(session: TerminalSession) -> Recording:
    async def ended() -> Recording | None:
        return await Recording.objects.filter(session=session, ended_at__isnull=False).afirst()

    found: Recording = await until(ended, "the recording is closed")
    return found


async def close(client: Client) -> None:
    await client.close_shell()
    await client.until_closed()


async def test_what_was_printed_is_recorded_and_what_was_typed_is_not(
    desk: Desk, node: Node, alice: User
) -> None:
    session = await recorded(desk, node, alice)
    async with desk.attach(session, alice, cols=90, rows=30) as client:
        await client.until_ready()
        await client.run("printf 'gr\\303\\274n-\\346\\227\\245-%s\\n' $((1+1))", "grün-日-2")
        await client.run("read -sp 'quiet-'$((1+1))' ' hidden", "quiet-2")
        await client.run("secret-password\necho took-${#hidden}", "took-15")
        await client.resize(101, 31)
        await client.run("echo done-$((1+1))", "done-2")
        await close(client)
    recording = await finished(session)
    lines = await sync_to_async(lines_of)(recording)
    assert (lines[0]["version"], lines[0]["width"], lines[0]["height"]) == (2, 90, 30)
    assert {event[1] for event in lines[1:]} == {"o", "r"}
    assert [event[2] for event in lines[1:] if event[1] == "r"] == ["101x31"]
    assert [event[0] for event in lines[1:]] == sorted(event[0] for event in lines[1:])
    assert await sync_to_async(printed)(recording) == client.output.decode()
    assert "secret-password" not in json.dumps(lines)
    assert (recording.end_reason, bytes(recording.tail)) == ("complete", b"")
    assert recording.seconds == pytest.approx(lines[-1][0], abs=0.001)
    assert client.notices == [], "recorded without a word"


async def test_off_leaves_nothing(desk: Desk, node: Node, alice: User) -> None:
    session = await recorded(desk, node, alice, "off")
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo off-$((1+1))", "off-2")
        await close(client)
    assert not await Recording.objects.aexists()


async def test_announced_is_told_to_everybody_who_comes(desk: Desk, node: Node, alice: User) -> None:
    session = await recorded(desk, node, alice, "announced")
    async with desk.attach(session, alice) as first, desk.attach(session, alice) as second:
        for client in (first, second):
            await client.until(lambda c: c.presence and c.presence.recorded, "it is shown as recorded")
            await client.until(lambda c: c.notices == [recorder.ANNOUNCEMENT], "it is announced")
            await client.until_output("node$")
    async with desk.attach(session, alice, offset=first.offset) as back:
        await back.until(lambda c: c.presence and c.presence.recorded, "still shown")
        await back.run("echo back-$((1+1))", "back-2")
        assert back.notices == [], "who only comes back knows it"


async def test_it_can_be_read_while_it_grows_and_after_a_gateway_that_was_killed(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a killed gateway had still to do is needed: the last save is a whole recording."""
    monkeypatch.setattr(recorder, "SAVE_SECONDS", 0.1)
    monkeypatch.setattr(writer, "CHUNK_SIZE", 4096)
    session = await recorded(desk, node, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("seq 1 3000; echo all-$((1+1))", "all-2")

        async def saved() -> bool:
            return "all-2" in await sync_to_async(printed)(await of(session))

        await until(saved, "what was printed is saved")
        recording = await of(session)
        assert recording.ended_at is None
        assert recording.chunk_count >= 1
        assert await sync_to_async(printed)(recording) == client.output.decode()
        for number in range(recording.chunk_count):
            chunk = Path(configured.MEDIA_ROOT) / recording.chunk_name(number)
            assert gzip.decompress(chunk.read_bytes()).endswith(b"\n"), "whole lines"


async def test_not_compressed(desk: Desk, node: Node, alice: User, settings: Settings) -> None:
    settings.HEADNODE_RECORDING_COMPRESS = False
    session = await recorded(desk, node, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo plain-$((1+1))", "plain-2")
        await close(client)
    recording = await finished(session)
    with default_storage.open(recording.chunk_name(0)) as file:
        assert b"plain-2" in file.read()
    assert "plain-2" in await sync_to_async(printed)(recording)


async def test_a_recording_that_is_full_says_so_and_the_shell_goes_on(
    desk: Desk, node: Node, alice: User, settings: Settings
) -> None:
    settings.HEADNODE_RECORDING_MAX_MB = 0.01
    session = await recorded(desk, node, alice, "announced")
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.type("seq 1 9000\n")
        await client.until(lambda c: recorder.FULL in c.notices, "it is told")
        await client.until(lambda c: c.presence and not c.presence.recorded, "it is shown")
        await client.run("echo on-$((1+1))", "on-2")
    recording = await finished(session)
    assert recording.end_reason == "size_limit"
    last = (await sync_to_async(lines_of)(recording))[-1]
    assert last[1] == "m"
    assert last[2] == "The recording ends here: it reached its limit of 0.01 MB. The terminal went on."
    assert recording.size < 11_000


class StorageThatIsFull:
    """Takes nothing; the row can be written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recorder, "RETRY_SECONDS", (0.05,))
        monkeypatch.setattr(recorder, "SAVE_SECONDS", 0.05)
        monkeypatch.setattr(writer, "CHUNK_SIZE", 200)
        monkeypatch.setattr(FileSystemStorage, "save", self.save)

    def save(self, *args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")


async def test_a_recording_that_fails_lets_the_shell_go_on(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    StorageThatIsFull(monkeypatch)
    session = await recorded(desk, node, alice, "announced")
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.type("seq 1 200\n")
        await client.until(lambda c: recorder.FAILED in c.notices, "it is told")
        await client.until(lambda c: c.presence and not c.presence.recorded, "it is shown")
        await client.run("echo on-$((1+1))", "on-2")
    assert (await finished(session)).end_reason == "failed"


async def test_or_ends_it_where_the_policy_says_so(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    StorageThatIsFull(monkeypatch)
    session = await recorded(desk, node, alice, "on", "end")
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.type("seq 1 200\n")
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.final) == ("recording_failed", True)
    assert (await desk.row(session)).end_reason == "recording_failed"


async def test_a_storage_that_comes_back_in_time_loses_nothing(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "RETRY_SECONDS", (0.1, 0.1))
    monkeypatch.setattr(recorder, "SAVE_SECONDS", 0.05)
    monkeypatch.setattr(writer, "CHUNK_SIZE", 200)
    failures = iter((True, True))
    save = store.save_chunk

    def twice_away(recording: Recording, text: bytes) -> None:
        if next(failures, False):
            raise OSError("away")
        save(recording, text)

    monkeypatch.setattr(store, "save_chunk", twice_away)
    session = await recorded(desk, node, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("seq 1 500; echo all-$((1+1))", "all-2")
        await close(client)
    recording = await finished(session)
    assert recording.end_reason == "complete"
    assert await sync_to_async(printed)(recording) == client.output.decode()


async def test_a_slow_storage_never_holds_the_shell_up(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be saved in time is left out, and the recording says where and how much."""
    monkeypatch.setattr(recorder, "WAITING_LIMIT", 256 * 1024)
    monkeypatch.setattr(recorder, "SAVE_SIZE", 64 * 1024)
    save = store.save_chunk
    waiting = []

    def slow(recording: Recording, text: bytes) -> None:
        waiting.append(len(text))
        time.sleep(0.3)  # not a wait for anything: this is how slow it is
        save(recording, text)

    monkeypatch.setattr(store, "save_chunk", slow)
    session = await recorded(desk, node, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("head -c 6000000 /dev/zero | tr '\\0' x; echo; echo end-$((1+1))", "end-2", limit=60)
        await close(client)
    recording = await finished(session)
    lines = await sync_to_async(lines_of)(recording)
    gaps = [int(event[2].split()[0]) for event in lines[1:] if event[1] == "m"]
    assert gaps
    assert sum(gaps) == recording.missing
    assert sum(gaps) + len((await sync_to_async(printed)(recording)).encode()) == len(client.output)


def make(session: TerminalSession, text: str, age: timedelta) -> Recording:
    recording = store.begin_recording(session)
    store.save_chunk(recording, text.encode())
    Recording.objects.filter(pk=recording.pk).update(started_at=timezone.now() - age)
    return recording


def test_old_recordings_are_deleted_and_that_is_written_down(
    alice: User, make_session: Callable[..., TerminalSession], settings: Settings
) -> None:
    settings.HEADNODE_RECORDING_DAYS = 30
    old, fresh, live = (make_session(alice) for _ in range(3))
    for session in (old, fresh):
        TerminalSession.objects.filter(pk=session.pk).update(ended_at=timezone.now())
    gone = make(old, "old", timedelta(days=31))
    kept = make(fresh, "fresh", timedelta(days=29))
    growing = make(live, "live", timedelta(days=31))
    assert store.delete_expired() == 1
    assert store.delete_expired() == 0
    assert not default_storage.exists(gone.chunk_name(0))
    assert default_storage.exists(kept.chunk_name(0))
    assert default_storage.exists(growing.chunk_name(0)), (
        "an open terminal's recording is not taken from under it"
    )
    gone.refresh_from_db()
    assert gone.deleted_at is not None
    event = AuditEvent.objects.get(action="sshgateway:recording:deleted")
    assert (event.owner_name, event.object_id, event.after) == ("alice", gone.pk, {"kept_days": 30})


def test_days_0_keeps_them_for_ever(
    alice: User, make_session: Callable[..., TerminalSession], settings: Settings
) -> None:
    settings.HEADNODE_RECORDING_DAYS = 0
    session = make_session(alice)
    TerminalSession.objects.filter(pk=session.pk).update(ended_at=timezone.now())
    make(session, "old", timedelta(days=4000))
    assert store.delete_expired() == 0


def test_a_deletion_that_was_interrupted_is_finished(
    alice: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    recording = make(session, "text", timedelta(days=1))
    Recording.objects.filter(pk=recording.pk).update(deleted_at=timezone.now())
    store.delete_expired()
    assert not default_storage.exists(recording.chunk_name(0))


def test_files_of_people_who_are_gone_go_too(
    alice: User, make_session: Callable[..., TerminalSession]
) -> None:
    recording = make(make_session(alice), "text", timedelta(days=1))
    alice.delete()
    assert default_storage.exists(recording.chunk_name(0))
    store.delete_expired()
    assert not default_storage.exists(recording.chunk_name(0))
