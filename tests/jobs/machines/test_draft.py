"""A machine as it is asked for: every field's bad input has its sentence, all of them at once."""

from dataclasses import replace

import pytest

from accounts.refusals import Refused, SeveralRefused
from jobs.machines.draft import CheckedMachine, MachineDraft, check_draft, parse_host
from tests.factories import public_key

GOOD = MachineDraft(name="Login node", host="login.example.org", username="sim", host_key=public_key())


def checked(**changes: object) -> CheckedMachine:
    return check_draft(replace(GOOD, **changes))  # type: ignore[arg-type]  # fields by name


def problems(**changes: object) -> list[Refused]:
    with pytest.raises(SeveralRefused) as caught:
        checked(**changes)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("login.example.org", "login.example.org"),
        (" LOGIN.Example.org. ", "login.example.org"),
        ("node-1_a", "node-1_a"),
        ("192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
    ],
)
def test_a_host(text: str, stored: str) -> None:
    assert parse_host(text) == stored


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("", "host_missing", "Say where"),
        ("  ", "host_missing", "Say where"),
        ("root@login", "host_with_user", "field of its own"),
        ("ssh://login", "host_is_url", "URL"),
        ("https://login/x", "host_is_url", "URL"),
        ("login:22", "host_with_port", "without the port"),
        ("[::1]:22", "host_with_port", "without the port"),
        ("two words", "host_invalid", "no spaces"),
        ("nul\0", "host_invalid", "no spaces"),
        ("line\nbreak", "host_invalid", "no spaces"),
        ("end\n", "host_invalid", "no spaces"),
        ("no\u00a0break", "host_invalid", "no spaces"),
        ("-oProxyCommand=x", "host_invalid", "hyphen"),
        ("a.-b", "host_invalid", "no host name"),
        ("a..b", "host_invalid", "no host name"),
        ("münchen.example", "host_invalid", "xn--"),
        ("300.1.1.1", "host_invalid", "IPv4"),
        ("127.1", "host_invalid", "IPv4"),
        ("2130706433", "host_invalid", "IPv4"),
        ("0.0.0.0", "host_invalid", "no address of a machine"),
        ("::", "host_invalid", "no address of a machine"),
        ("224.0.0.1", "host_invalid", "no address of a machine"),
        ("fe80::1%eth0", "host_invalid", "%"),
        ("$(id)", "host_invalid", "no host name"),
        ("a" * 64, "host_invalid", "no host name"),
        ("a." * 127 + "aa", "host_invalid", "no host name"),
        ("[x]", "host_invalid", "no host name"),
    ],
)
def test_what_is_no_host(text: str, reason: str, said: str) -> None:
    (problem,) = problems(host=text)
    assert (problem.field, problem.reason) == ("host", reason)
    assert said in problem.message


@pytest.mark.parametrize(
    "port", [0, 65536, 70000, -1, "", "x", "2 2", "22.0", "٢٢", True, None, 22.0, "9" * 5000]
)
def test_what_is_no_port(port: object) -> None:
    (problem,) = problems(port=port)
    assert (problem.field, problem.reason) == ("port", "port_invalid")
    assert "1 to 65535" in problem.message


@pytest.mark.parametrize(("port", "stored"), [(1, 1), ("65535", 65535), (" 2222 ", 2222)])
def test_a_port(port: object, stored: int) -> None:
    assert checked(port=port).port == stored


@pytest.mark.parametrize(
    "name", ["-oX=y", "two words", "nul\0", "a\nb", "a:b", "a/b", "$(id)", "ä", "a" * 65, "a,b"]
)
def test_what_is_no_login_name(name: str) -> None:
    (problem,) = problems(username=name)
    assert (problem.field, problem.reason) == ("username", "username_invalid")


@pytest.mark.parametrize("name", ["root", "sim", "s.m_i-th", "first.last@example.org"])
def test_a_login_name(name: str) -> None:
    assert checked(username=f" {name} ").username == name


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", "", "name_missing"),
        ("name", " ", "name_missing"),
        ("name", "a\nb", "name_invalid"),
        ("name", "x" * 81, "name_invalid"),
        ("username", "", "username_missing"),
        ("scheduler", "lsf", "scheduler_unknown"),
        ("notes", "x" * 2001, "notes_invalid"),
        ("notes", "a\0b", "notes_invalid"),
    ],
)
def test_the_other_fields(field: str, value: str, reason: str) -> None:
    (problem,) = problems(**{field: value})
    assert (problem.field, problem.reason) == (field, reason)


def test_every_problem_is_told_at_once() -> None:
    found = problems(name="", host="a b", port=0, username="-x", host_key="", scheduler="x", notes="\0")
    assert [problem.field for problem in found] == [
        "name",
        "host",
        "port",
        "username",
        "host_key",
        "scheduler",
        "notes",
    ]


def test_with_a_bad_host_nothing_is_said_about_whom_a_known_hosts_line_is_for() -> None:
    (problem,) = problems(host="a b", host_key=f"login.example.org {public_key()}")
    assert problem.field == "host"


def test_notes_keep_their_lines() -> None:
    assert checked(notes=" one\r\ntwo\n").notes == "one\ntwo"
