"""The parts that decide: paths, profiles, ports, durations, texts; for every system that people have."""

import ast
import json
import ntpath
import os
import posixpath
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.cli.headnode_cli import (
    catalog,
    copy_places,
    file_names,
    forwarding,
    job_request,
    log_lines,
    paths,
    plain_text,
    profiles,
    replies,
    script_options,
    ssh_include,
    ssh_text,
    times,
    versions,
)
from portal.cli.headnode_cli.errors import CLIError, Exit, Failed, NotSignedIn, NotThere, Refused, WrongUsage

SOURCE = Path(catalog.__file__).parent
NOW = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)


def test_it_imports_the_standard_library_itself_and_what_it_declares() -> None:
    declared = {"httpx", "keyring", "platformdirs", "tomli", "typer"}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names or top in declared, f"{path.name} imports {name}"


def test_every_command_of_the_catalogue_is_there() -> None:
    names = [entry.name for entry in catalog.entries()]
    assert len(names) == len(set(names))
    for entry in catalog.entries():
        text = (SOURCE / "commands" / f"{entry.module}.py").read_text()
        for function in entry.functions.values():
            assert f"def {function}(" in text
        assert entry.name in catalog.overview()


@pytest.mark.parametrize("path", ["a/b.txt", "-r", "two words", "\N{SNOWMAN}"])
def test_names_stay_as_they_are_where_they_can(path: str) -> None:
    assert file_names.local_name(path, posixpath) == path


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "", ".", "a/.."])
@pytest.mark.parametrize("flavour", [posixpath, ntpath])
def test_no_name_leads_out_of_the_folder(path: str, flavour: object) -> None:
    with pytest.raises(CLIError):
        file_names.local_name(path, flavour)  # type: ignore[arg-type]  # a module


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_windows_gets_names_that_it_accepts(path: str) -> None:
    try:
        found = PureWindowsPath(file_names.local_name(path, ntpath))
    except CLIError:
        return
    assert not found.is_absolute()
    assert not found.drive
    assert ".." not in found.parts
    for part in found.parts:
        assert not set(part) & set('<>:"|?*')
        assert not part.endswith((" ", "."))
        assert not PureWindowsPath(part).is_reserved()


def test_a_name_that_is_no_text_comes_back_byte_for_byte() -> None:
    file = {"relativePath": "gr%FCn/100%25.dat", "isEscaped": True}
    assert os.fsencode(file_names.path_here(file)) == b"gr\xfcn/100%.dat"
    assert file_names.path_on_node({"relativePath": "a%20b", "isEscaped": False}) == "a%20b"
    with pytest.raises(CLIError):
        file_names.path_here({"relativePath": "%2E%2E/x", "isEscaped": True})


def test_a_drive_letter_is_no_job_on_windows() -> None:
    assert copy_places.place_of(r"C:\mesh.dat", ntpath) == copy_places.Place(r"C:\mesh.dat")
    assert copy_places.place_of("AbCdEf:work/x", ntpath) == copy_places.Place("work/x", "AbCdEf")
    assert copy_places.place_of("./a:b", posixpath) == copy_places.Place("./a:b")
    assert copy_places.place_of("@last:a b", posixpath) == copy_places.Place("a b", "@last")
    assert copy_places.place_of("cluster-001:", posixpath) == copy_places.Place("", "cluster-001")
    for sources, target in ((["a"], "b"), (["J:a"], "K:b"), (["Jj:a", "b"], "c"), (["Jj:a", "Kk:a"], "c")):
        with pytest.raises(WrongUsage):
            copy_places.direction(sources, target, posixpath)


def test_paths_on_the_node_are_found_in_storage() -> None:
    assert copy_places.stored_paths("work/shared/a/b") == ["shared/a/b", "a/b"]
    assert copy_places.stored_paths("/enc/uprod_x/work/process_output.log") == ["process_output.log"]
    assert copy_places.stored_paths("~/work/shared/") == copy_places.stored_paths("work") == [""]


def test_settings_are_where_people_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert paths.config_folder({}, "posix") == Path("/home/alice/.config/headnode")
    assert paths.config_folder({"XDG_CONFIG_HOME": "/x"}, "posix") == Path("/x/headnode")
    assert paths.config_folder({"XDG_CONFIG_HOME": "relative"}, "posix") == Path(
        "/home/alice/.config/headnode"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_settings_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str
) -> None:
    path = tmp_path_factory.mktemp("settings") / "config.toml"
    written = profiles.Settings(name, text, {name: profiles.Profile("https://x", text)})
    profiles.write(path, written)
    assert profiles.read(path) == written


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("portal.example.org", "https://portal.example.org"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        (" https://x/headnode/ ", "https://x/headnode"),
        ("https://[::1]:8000/", "https://[::1]:8000"),
    ],
)
def test_an_address_is_tidied(text: str, url: str) -> None:
    assert profiles.clean_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://x",
        "https://",
        "https://x:port",
        "https://me:secret@x",
        "http://x:99999",
        "https://[",
        "a b",
    ],
)
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(WrongUsage) as said:
        profiles.clean_url(text)
    assert "secret" not in str(said.value)


def test_durations_and_times() -> None:
    assert times.seconds_of("1d12h") == 129600
    assert times.seconds_of("90m") == 5400
    for wrong in ("", "4", "h", "-4h", "0h", "4 hours"):
        with pytest.raises(WrongUsage):
            times.seconds_of(wrong)
    for never in ("999999d", "0001-01-01T00:00+09:00", "0001-01-01", "9999-12-31T23:59-09:00"):
        with pytest.raises(WrongUsage):
            times.moment_of(never, NOW)
    assert times.moment_of("2h", NOW) == NOW - timedelta(hours=2)
    assert times.moment_of("2026-04-03T10:00:00.1234567Z", NOW) == datetime(2026, 4, 3, 10, 0, 0, 123456, UTC)
    assert times.moment_of("9:05", NOW).astimezone().strftime("%H:%M") == "09:05"
    assert times.until("2026-04-03T14:05:00Z", NOW) == "2 h 5 min"
    assert times.until("2026-04-03T11:00:00Z", NOW) == "over"


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("8888", "127.0.0.1:8888:127.0.0.1:8888"),
        ("8080:80", "127.0.0.1:8080:127.0.0.1:80"),
        ("8080:db.internal:5432", "127.0.0.1:8080:db.internal:5432"),
        ("1:[fd00::1]:2", "127.0.0.1:1:[fd00::1]:2"),
    ],
)
def test_ports(text: str, option: str) -> None:
    assert forwarding.parse_forwarding(text).option == option


@pytest.mark.parametrize("text", ["", "0", "70000", "a", "1:2:3:4", "1:-oProxyCommand=x:3", "8080: x:1"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(WrongUsage):
        forwarding.parse_forwarding(text)


def test_headnode_lines_end_at_the_first_command() -> None:
    text = "#!/bin/sh\n#HEADNODE --slots 2 --name 'a b' # why\n\n# more\n#HEADNODES --x\n#HEADNODE --keep\ntrue\n"
    text += "#HEADNODE --no\n"
    words = script_options.options_in(text)
    wanted = job_request.read_script_options(words)
    assert (wanted.slots, wanted.name, wanted.keep) == (2, "a b", True)
    idle = job_request.read_script_options(["--idle-minutes", "0"])
    assert job_request.body_of(idle, "true", {"code": "x", "cores": [1]}, [])["idleMinutes"] == 0
    own = job_request.Wanted(slots=3, inputs=["b"])
    both = job_request.merged(own, job_request.Wanted(slots=2, hours=1.0, inputs=["a"]))
    assert (both.slots, both.hours, both.inputs) == (3, 1.0, ["a", "b"])
    for wrong in ("#HEADNODE --slots two\n", "#HEADNODE --nothing\n", "#HEADNODE 'x\n"):
        with pytest.raises(CLIError):
            job_request.read_script_options(script_options.options_in(wrong))


@pytest.mark.parametrize("hours", [float("nan"), float("inf")])
def test_hours_are_a_number(hours: float) -> None:
    with pytest.raises(WrongUsage):
        job_request.body_of(job_request.Wanted(hours=hours), "true", {"code": "x", "cores": [1]}, [])


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252", None])
def test_json_is_the_same_in_every_encoding(encoding: str | None) -> None:
    document = {"name": "\N{SNOWMAN} \N{LATIN SMALL LETTER U WITH DIAERESIS}\x9b\ud800"}
    text = plain_text.json_text(document, encoding)
    assert json.loads(text.encode(encoding or "ascii")) == document


def test_errors_say_the_field_and_the_reason() -> None:
    body = '{"jobanalyses": [{"hardware": {"coresPerSlot": ["One of 1, 2."]}}], "reason": "cores"}'
    found = replies.error_of("https://x", 400, body, {})
    assert isinstance(found, Refused)
    assert str(found) == "jobanalyses.hardware.coresPerSlot: One of 1, 2."
    assert found.reason == "cores"
    assert isinstance(replies.error_of("https://x", 401, "{}", {}), NotSignedIn)
    assert isinstance(replies.error_of("https://x", 404, "<html>", {}), NotThere)
    assert "7 s" in str(replies.error_of("https://x", 429, "", {"retry-after": "7"}))
    # What follows a log, or fetches a file, waits for a portal that comes back.
    assert isinstance(replies.error_of("https://x", 502, "<html>", {}), Failed)
    assert replies.error_of("https://x", 500, "<html>secret</html>", {}).status == Exit.FAILED
    assert "secret" not in str(replies.error_of("https://x", 500, "<html>secret</html>", {}))


@given(st.text(st.characters()))
def test_no_text_steers_the_terminal(text: str) -> None:
    assert "\x1b" not in plain_text.printable(text)
    plain_text.printable(text).encode()  # it can be printed
    kept = plain_text.printable(text, colours=True)
    assert "\x1b]" not in kept
    assert "\x9b" not in kept


def test_tables_fit() -> None:
    rows = [["AbCdEf", "x" * 80, "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 10]]
    lines = plain_text.table(["A", "B", "C"], rows, 40)
    assert all(plain_text.width(line) <= 40 for line in lines)
    assert "AbCdEf" in lines[1]
    assert "x" * 80 in plain_text.table(["A", "B", "C"], rows, None)[1]


def test_lines_of_a_pipe_are_plain() -> None:
    event = {
        "sequence": 1,
        "time": "2026-04-03T03:45:58.683875Z",
        "source": "program",
        "level": "info",
        "stage": "",
        "node": "head",
        "message": "\x1b[31mred\x1b[0m",
    }
    assert log_lines.LineStyle().line(event) == "2026-04-03T03:45:58Z head: red"
    assert log_lines.LineStyle(raw=True).line(event) == "\x1b[31mred\x1b[0m"
    assert "\x1b[31mred" in log_lines.LineStyle(terminal=True, colours=True).line(event)


def test_versions_that_matter() -> None:
    assert versions.difference("0.1.0", "0.1.9") == ""
    assert "older" in versions.difference("0.1.0", "0.2.0")
    assert versions.difference("1.2.0", "1.9.0") == ""
    assert "The portal is older" in versions.difference("2.0.0", "1.9.0")
    assert versions.difference("0.1.0", "") == ""


NODE = ssh_text.Node("head", "MPI_MASTER", "uprod_x", "192.0.2.7", 32100, "job-x.headnode")


def test_an_entry_is_strict() -> None:
    block = ssh_text.host_block("h", NODE, r"C:\Users\a b\100%\keys")
    assert '  UserKnownHostsFile "C:/Users/a b/100%%/keys"' in block
    assert "  StrictHostKeyChecking yes" in block
    assert "  VerifyHostKeyDNS no" in block
    assert "  HostKeyAlias job-x.headnode" in block


@pytest.mark.parametrize("word", ["", "-oProxyCommand=x", "a b", "a\nProxyCommand x", 'a"', "$(x)"])
def test_no_word_of_the_portals_becomes_an_option(word: str) -> None:
    for part in ("name", "username", "address", "alias"):
        with pytest.raises(CLIError):
            ssh_text.Node(**{**vars(NODE), part: word})
    with pytest.raises(CLIError):
        ssh_text.host_block(word, NODE, "/keys")


def test_host_keys_are_host_keys() -> None:
    line = "job-x.headnode,[192.0.2.7]:32100 ssh-ed25519 AAAA"
    assert ssh_text.known_hosts([line, ""]) == f"{line}\n"
    assert ssh_text.alias_of("192.0.2.7", 32100, [line]) == "job-x.headnode"
    assert ssh_text.alias_of("192.0.2.7", 22, [line]) == ""
    for wrong in ("<html>", "<html>Sign in to this", "@revoked x ssh-rsa AAAA", "x"):
        with pytest.raises(CLIError):
            ssh_text.known_hosts([wrong])


CONFIGS = st.lists(
    st.sampled_from(
        ["Host a", "  User x", "Match all", "", "# note", "Include headnode/*.conf", "Include other", "\t"]
    )
).map(lambda lines: "\n".join(lines))


@given(CONFIGS, st.booleans())
def test_the_include_line_comes_and_goes_without_a_trace(text: str, ends: bool) -> None:
    text = text + "\n" if ends and text else text
    with_line = ssh_include.with_include(text)
    assert ssh_include.with_include(with_line) == with_line
    first_host = next(
        (i for i, line in enumerate(with_line.splitlines()) if line.startswith(("Host", "Match"))), 999
    )
    assert ssh_include.LINE in with_line.splitlines()[:first_host]
    if ssh_include.LINE not in text:
        assert ssh_include.without_include(with_line) == text
    others = [line for line in text.splitlines() if line != ssh_include.LINE and line]
    kept = [
        line for line in with_line.splitlines() if line not in (ssh_include.LINE, ssh_include.REMARK) and line
    ]
    assert kept == others
