"""Archives lose nothing in silence: names, links and what is there already are kept, or the archive is refused."""

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.jobs.remote.archives import Unpack, add, make_tar, make_zip


def test_a_link_inside_is_kept(unpack: Unpack, shared: Path) -> None:
    with tarfile.open(shared / "a.tar", "w") as archive:
        add(archive, "case/mesh", b"mesh")
        add(archive, "case/latest", b"", type=tarfile.SYMTYPE, linkname="mesh")
        add(archive, "latest", b"", type=tarfile.SYMTYPE, linkname="case")
        add(archive, "twin", b"", type=tarfile.LNKTYPE, linkname="case/mesh")
    assert unpack("a.tar")["refused"] == {}
    assert (shared / "latest/latest").read_bytes() == b"mesh"
    assert (shared / "twin").samefile(shared / "case/mesh")


def test_a_link_inside_a_zip_is_kept_and_one_that_leads_out_is_refused(unpack: Unpack, shared: Path) -> None:
    for name, target in (("in", "mesh"), ("out", "../../secret")):
        with zipfile.ZipFile(shared / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}/mesh", b"mesh")
            link = zipfile.ZipInfo(f"{name}/latest")
            link.create_system, link.external_attr = 3, 0o120777 << 16
            archive.writestr(link, target)
    assert unpack("in.zip", "out.zip")["refused"] == {
        "out.zip": "holds a path or a link that leads out of the directory"
    }
    assert (shared / "in/latest").is_symlink()
    assert (shared / "in/latest").read_bytes() == b"mesh"


def test_what_would_be_renamed_or_lost_in_a_zip_is_refused(unpack: Unpack, shared: Path) -> None:
    make_zip(shared / "up.zip", {"a": b"a", "../up": b"no"})
    with zipfile.ZipFile(shared / "twice.zip", "w") as archive:
        archive.writestr("./x", b"one")
        archive.writestr("x", b"two")
    make_zip(shared / "both.zip", {"x": b"file", "x/y": b"in a directory"})
    assert unpack("up.zip", "twice.zip", "both.zip")["refused"] == {
        "up.zip": "holds a path or a link that leads out of the directory",
        "twice.zip": "holds 'x' twice",
        "both.zip": "holds a file and a directory of one name",
    }


def test_what_would_be_removed_with_the_staging_folder_is_refused(unpack: Unpack, shared: Path) -> None:
    for name in (".headnode-unpacking/x", "./.headnode-unpacking"):
        make_zip(shared / "own.zip", {name: b"x"})
        with tarfile.open(shared / "own.tar", "w") as archive:
            archive.add(shared / "own.zip", name)
        why = "holds '.headnode-unpacking', a name that is needed while it is unpacked"
        assert unpack("own.zip", "own.tar")["refused"] == {"own.zip": why, "own.tar": why}
        for each in ("own.zip", "own.tar"):
            (shared / each).unlink()


@pytest.mark.parametrize(
    "name", ["結果　最終.dat".encode(), "日本.txt".encode("shift_jis"), b"-rf", "é.txt".encode()]
)
@pytest.mark.parametrize("has_flag", [True, False])
def test_names_in_a_zip_are_kept_byte_for_byte(
    unpack: Unpack, shared: Path, name: bytes, has_flag: bool
) -> None:
    """Many programs write names without the flag that says UTF-8, in whatever their machine has."""
    if has_flag and b"\x93" in name:
        return
    placeholder = "y" * len(name)
    with zipfile.ZipFile(shared / "a.zip", "w") as archive:
        archive.writestr(name.decode() if has_flag else placeholder, b"x")
    if not has_flag:
        data = (shared / "a.zip").read_bytes()
        (shared / "a.zip").write_bytes(data.replace(placeholder.encode(), name))
    assert unpack("a.zip")["refused"] == {}
    assert set(os.listdir(os.fsencode(shared))) == {b"a.zip", name}


def test_links_in_a_tar_of_a_folder_are_kept(unpack: Unpack, shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs/1.dat").write_text("one")
    (folder / "latest").symlink_to("runs/1.dat")
    (folder / "early").symlink_to("zz/later")
    (folder / "twin").hardlink_to(folder / "runs/1.dat")
    (folder / "zz").mkdir()
    (folder / "zz/later").write_text("later")
    subprocess.run(["tar", "-czf", shared / "a.tar.gz", "-C", folder, "."], check=True)
    assert unpack("a.tar.gz")["refused"] == {}
    found = {name: (shared / name).read_text() for name in ("latest", "early", "twin", "runs/1.dat")}
    assert found == {"latest": "one", "early": "later", "twin": "one", "runs/1.dat": "one"}


def test_nothing_takes_the_place_of_what_is_there(unpack: Unpack, shared: Path) -> None:
    (shared / "case").mkdir()
    (shared / "case/mesh").write_text("same")
    (shared / "file").write_text("input")
    make_zip(shared / "beside.zip", {"case/mesh": b"same", "case/more/x": b"x"})
    make_zip(shared / "over.zip", {"a": b"a", "file": b"other"})
    make_tar(shared / "over.tar", {"a": b"a", "over.zip": b"another input"}, "w")
    make_zip(shared / "wrong.zip", {"a": b"a", "case": b"a file", "z": b"z"})
    make_zip(shared / "wrong2.zip", {"a": b"a", "file/x": b"a directory"})

    refused = unpack("beside.zip", "over.zip", "over.tar", "wrong.zip", "wrong2.zip")["refused"]

    assert refused == {
        "over.zip": "holds 'file', which is there already with other content",
        "over.tar": "holds 'over.zip', which is there already with other content",
        "wrong.zip": "holds 'case', which is there already as something else",
        "wrong2.zip": "holds 'file', which is there already as something else",
    }
    assert ((shared / "case/mesh").read_text(), (shared / "file").read_text()) == ("same", "input")
    assert (shared / "case/more/x").exists()
    assert not (shared / "a").exists()
