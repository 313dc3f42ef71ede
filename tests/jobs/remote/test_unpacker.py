"""Archives are unpacked on the node once, within limits, completely or not at all."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.remote.archives import MEGABYTE, SMALL, Unpack, add, contents, make_tar, make_zip


def test_archives_are_unpacked_once_and_inside(unpack: Unpack, shared: Path, tmp_path: Path) -> None:
    make_zip(shared / "case.zip", {"case/mesh.dat": b"mesh", "/etc/x": b"no"})
    make_tar(shared / "more.tar.gz", {"more/hosts": b"head:2\n"})

    assert unpack("case.zip", "more.tar.gz") == {"state": "unpacked", "refused": {}, "more": False}

    assert (shared / "case/mesh.dat").read_text() == "mesh"
    assert (shared / "more/hosts").read_text() == "head:2\n"
    assert (shared / "etc/x").exists()
    (shared / "case/mesh.dat").write_text("changed by the command")
    unpack("case.zip", "more.tar.gz")
    assert (shared / "case/mesh.dat").read_text() == "changed by the command"


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (".tar", "w"),
        (".tar.gz", "w:gz"),
        (".tgz", "w:gz"),
        (".tar.bz2", "w:bz2"),
        (".tar.xz", "w:xz"),
        (".TAR.GZ", "w:gz"),
    ],
)
def test_every_kind_of_tar(unpack: Unpack, shared: Path, suffix: str, mode: str) -> None:
    make_tar(shared / f"a{suffix}", {"in/mesh": b"mesh"}, mode)
    assert unpack(f"a{suffix}")["refused"] == {}
    assert (shared / "in/mesh").read_bytes() == b"mesh"


def test_a_broken_archive_is_named_and_the_others_are_unpacked(unpack: Unpack, shared: Path) -> None:
    (shared / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    (shared / "cut.tar.gz").write_bytes(b"\x1f\x8b\x08\x00 cut off")
    (shared / "cut.tar.bz2").write_bytes(bz2.compress(os.urandom(5000))[:2000])
    (shared / "cut.tar.xz").write_bytes(lzma.compress(os.urandom(5000))[:2000])
    (shared / "empty.zip").write_bytes(b"")
    make_zip(shared / "good.zip", {"mesh.dat": b"mesh"})
    broken = ["cut.zip", "cut.tar.gz", "cut.tar.bz2", "cut.tar.xz", "empty.zip", "gone.zip"]

    answer = unpack(*broken, "good.zip")

    assert list(answer["refused"]) == broken
    assert (shared / "mesh.dat").read_text() == "mesh"
    assert unpack(*broken, "good.zip") == answer, "a worker that takes over logs the same"


def bomb_of_zip(path: Path) -> None:
    make_zip(path, {"mesh": b"mesh", "zeros": bytes(30 * MEGABYTE)})


def bomb_of_zip_that_lies(path: Path) -> None:
    """Say 1 byte in every header: only what comes out tells the size."""
    make_zip(path, {"mesh": b"mesh", "zeros": bytes(30 * MEGABYTE)})
    real, said = (30 * MEGABYTE).to_bytes(4, "little"), (1).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(real, said))


def bomb_of_many_in_zip(path: Path) -> None:
    make_zip(path, {f"zeros-{number}": bytes(MEGABYTE) for number in range(30)})


def bomb_of_overlapping_members(path: Path) -> None:
    """Let thirty names point to the one compressed megabyte."""
    make_zip(path, {"zeros": bytes(MEGABYTE)})
    with zipfile.ZipFile(path, "a") as archive:
        first = archive.infolist()[0]
        for number in range(30):
            twin = zipfile.ZipInfo(f"twin-{number}")
            for name in ("header_offset", "CRC", "compress_size", "file_size", "compress_type", "flag_bits"):
                setattr(twin, name, getattr(first, name))
            archive.filelist.append(twin)
        archive._didModify = True  # type: ignore[attr-defined]  # writes a new directory of members


def bomb_of_tar(path: Path) -> None:
    make_tar(path, {"mesh": b"mesh", "zeros": bytes(30 * MEGABYTE)})


def bomb_of_sparse_tar(path: Path) -> None:
    """One byte at the end of a terabyte of holes, which takes no room in the archive."""
    source = path.parent / "sparse"
    with source.open("wb") as file:
        file.truncate(10**12)
    subprocess.run(["tar", "--sparse", "-czf", path, "-C", path.parent, "sparse"], check=True)
    source.unlink()


def bomb_of_a_header(path: Path) -> None:
    """A name of 400 MB, which tarfile would read into memory."""
    header = tarfile.TarInfo("header")
    header.type, header.size = tarfile.XHDTYPE, 400 * MEGABYTE
    chunk = bytes(MEGABYTE)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(400):
            file.write(chunk)


BOMBS = {
    "zip": bomb_of_zip,
    "lie.zip": bomb_of_zip_that_lies,
    "many.zip": bomb_of_many_in_zip,
    "overlap.zip": bomb_of_overlapping_members,
    "tar.gz": bomb_of_tar,
    "tgz": bomb_of_tar,
    "sparse.tar.gz": bomb_of_sparse_tar,
    "header.tar.gz": bomb_of_a_header,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_and_nothing_of_it_stays(unpack: Unpack, shared: Path, kind: str) -> None:
    name = f"bomb.{kind}"
    BOMBS[kind](shared / name)
    assert (shared / name).stat().st_size < 20 * MEGABYTE
    before = contents(shared)

    answer = unpack(name)

    assert list(answer["refused"]) == [name]
    assert contents(shared) == before
    assert [path.name for path in shared.iterdir()] == [name]


def test_the_reason_says_what_was_too_much(unpack: Unpack, shared: Path) -> None:
    make_zip(shared / "small.zip", {"zeros": bytes(30 * MEGABYTE)})
    make_zip(shared / "ratio.zip", {"noise": os.urandom(400_000), "zeros": bytes(30 * MEGABYTE)})
    make_zip(shared / "many.zip", {f"m{number}": b"" for number in range(101)})
    make_zip(shared / "deep.zip", {"d/" * 10 + "x": b""})
    make_zip(shared / "long.zip", {"d" * 201: b""})

    refused = unpack("small.zip", "ratio.zip", "many.zip", "deep.zip", "long.zip")["refused"]

    assert refused == {
        "small.zip": "unpacks to more than 2 MB, which is too much for its size",
        "ratio.zip": "unpacks to more than 4 MB, over 10 times its size",
        "many.zip": "holds more than 100 files and directories",
        "deep.zip": "holds a path of more than 10 directories",
        "long.zip": "holds a path of more than 200 bytes",
    }


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_the_limits_themselves_pass(unpack: Unpack, shared: Path, make: Callable[..., None]) -> None:
    make(shared / "a.tar.gz" if make is make_tar else shared / "a.zip", {
        "zeros": bytes(2 * MEGABYTE), "d/" * 9 + "x": b"", **{f"m{number}": b"" for number in range(98)}
    })  # fmt: skip
    assert unpack("a.tar.gz" if make is make_tar else "a.zip")["refused"] == {}
    assert len(contents(shared)) == 101


def test_many_archives_count_together(unpack: Unpack, shared: Path) -> None:
    names = [f"{number}.zip" for number in range(12)]
    for name in names:
        make_zip(shared / name, {f"of-{name}": bytes(2 * MEGABYTE)})

    answer = unpack(*names)

    assert list(answer["refused"]) == names[10:]
    assert answer["refused"]["10.zip"] == "unpacks to more than 0 MB, more than a job's archives may hold"


def test_an_archive_inside_an_archive_stays_packed(unpack: Unpack, shared: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("inner.txt", "x")
    make_zip(shared / "outer.zip", {"inner.zip": inner.getvalue(), "again.tar.gz": gzip.compress(b"x")})

    assert unpack("outer.zip")["refused"] == {}
    assert contents(shared) == {"outer.zip", "inner.zip", "again.tar.gz"}


def test_links_and_devices_that_lead_outside_are_refused(
    unpack: Unpack, shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    outside, device = "holds a path or a link that leads out of the directory", "holds a device or a pipe"
    wrong: dict[str, tuple[str, dict[str, Any]]] = {
        "symlink": (outside, {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        "up": (outside, {"type": tarfile.SYMTYPE, "linkname": "../../outside"}),
        "sub/up": (outside, {"type": tarfile.SYMTYPE, "linkname": "../../outside"}),
        "hard": (outside, {"type": tarfile.LNKTYPE, "linkname": "../../../secret"}),
        "none": (
            "holds a link to a file that is not in it",
            {"type": tarfile.LNKTYPE, "linkname": "not-there"},
        ),
        "char": (device, {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}),
        "block": (device, {"type": tarfile.BLKTYPE, "devmajor": 1, "devminor": 5}),
        "fifo": (device, {"type": tarfile.FIFOTYPE}),
        "../../outside": (outside, {}),
        "sub/../../outside": (outside, {}),
    }
    names = [f"{number}.tar" for number in range(len(wrong))]
    for archive_name, (name, (_, changes)) in zip(names, wrong.items(), strict=True):
        with tarfile.open(shared / archive_name, "w") as archive:
            add(archive, "before", b"x")
            add(archive, name, b"", **changes)

    refused = unpack(*names)["refused"]

    assert refused == dict(zip(names, (why for why, _ in wrong.values()), strict=True))
    assert contents(shared) == set(names), "of a refused archive nothing stays"
    assert {path.name for path in tmp_path.iterdir()} == {"secret", "work", ".headnode"}


def test_links_that_lead_outside_together_are_refused(unpack: Unpack, shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "a.tar", "w") as archive:
        add(archive, "d1/d2/top", b"", type=tarfile.SYMTYPE, linkname="../..")
        add(archive, "d1/d2/out", b"", type=tarfile.SYMTYPE, linkname="top/../..")
        add(archive, "d1/d2/out/outside", b"x")
    assert unpack("a.tar")["refused"] == {"a.tar": "holds a path or a link that leads out of the directory"}
    assert contents(shared) == {"a.tar"}


def test_a_hard_link_cannot_write_a_member_again(unpack: Unpack, shared: Path) -> None:
    """tarfile copies the linked member where its file is gone: each link would be another, uncounted megabyte."""
    with tarfile.open(shared / "a.tar.gz", "w:gz") as archive:
        add(archive, "x", bytes(MEGABYTE))
        add(archive, "x", b"", type=tarfile.SYMTYPE, linkname="nowhere")
        for number in range(40):
            add(archive, f"copy-{number}", b"", type=tarfile.LNKTYPE, linkname="x")
    assert unpack("a.tar.gz")["refused"] == {"a.tar.gz": "holds a link to a file that is not in it"}


def test_an_encrypted_archive_is_refused_in_words(unpack: Unpack, shared: Path) -> None:
    make_zip(shared / "secret.zip", {"x": b"secret"})
    data = bytearray((shared / "secret.zip").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (shared / "secret.zip").write_bytes(data)
    assert unpack("secret.zip")["refused"] == {
        "secret.zip": "is encrypted, or compressed in a way that is not supported"
    }


def test_what_a_killed_program_left_is_removed(unpack: Unpack, shared: Path) -> None:
    (shared / ".headnode-unpacking/half").mkdir(parents=True)
    make_zip(shared / "a.zip", {"mesh": b"mesh"})
    unpack("a.zip")
    assert {path.name for path in shared.iterdir()} == {"a.zip", "mesh"}


def test_an_archive_that_takes_too_long_is_refused(unpack: Unpack, shared: Path) -> None:
    bomb_of_a_header(shared / "slow.tar.gz")
    limits = replace(SMALL, archive_seconds=0.05, memory_bytes=2**40)  # type: ignore[arg-type]  # the program takes it
    assert unpack("slow.tar.gz", limits=limits)["refused"] == {"slow.tar.gz": "takes too long to unpack"}


def test_later_archives_wait_for_the_next_request(unpack: Unpack, shared: Path) -> None:
    for name in ("a", "b", "c"):
        make_zip(shared / f"{name}.zip", {name: b"x"})
    limits = replace(SMALL, start_seconds=0)
    assert [unpack("a.zip", "b.zip", "c.zip", limits=limits)["more"] for _ in range(3)] == [True, True, False]
    assert contents(shared) >= {"a", "b", "c"}


def test_names_of_archives_that_lead_elsewhere_stay_inside(
    unpack: Unpack, shared: Path, tmp_path: Path
) -> None:
    make_zip(tmp_path / "other.zip", {"x": b"x"})
    assert unpack("../../other.zip")["refused"]
    assert contents(shared) == set()
