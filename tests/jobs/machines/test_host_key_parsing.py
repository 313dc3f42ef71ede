"""Pasted host keys: what an administrator would paste is accepted, everything else is refused with a sentence."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.refusals import Refused
from jobs.machines.host_key_parsing import parse_host_keys
from sshgateway.ssh import host_keys
from tests.factories import public_key

HOST = "login.example.org"
KEY = public_key()
OTHER = public_key()


def refused(text: str, host: str = HOST, port: int = 22) -> Refused:
    with pytest.raises(Refused) as caught:
        parse_host_keys(text, host, port)
    assert caught.value.field == "host_key"
    return caught.value


def hashed(host: str, tmp_path: Path) -> str:
    """A known_hosts line as the real ssh-keygen hashes it."""
    path = tmp_path / "known_hosts"
    path.write_text(f"{host} {KEY}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(path)], check=True, capture_output=True)
    return path.read_text()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_file_of_a_machine(make_key: Callable[..., Path], kind: str) -> None:
    text = Path(f"{make_key(kind, comment='root@login')}.pub").read_text()
    found = parse_host_keys(text, HOST, 22)
    assert found.lines == (" ".join(text.split()[:2]),)
    assert found.notice is None
    assert host_keys.parse(found.lines[0]).type == text.split()[0]


def test_several_keys_one_per_line_each_once() -> None:
    assert parse_host_keys(f"{KEY} a\r\n\r\n{OTHER}\n{KEY} b\n", HOST, 22).lines == (KEY, OTHER)


def test_what_ssh_keyscan_prints() -> None:
    text = f"# {HOST}:22 SSH-2.0-OpenSSH_9.2\n{HOST} {KEY}\n# {HOST}:22 SSH-2.0-OpenSSH_9.2\n{HOST} {OTHER}\n"
    found = parse_host_keys(text, HOST, 22)
    assert found.lines == (KEY, OTHER)
    assert found.notice == f"Took the key out of each known_hosts line; all of them are for {HOST}."


@pytest.mark.parametrize(
    ("names", "port"),
    [
        ("LOGIN.example.org", 22),
        ("10.0.0.5,login.example.org", 22),
        ("[login.example.org]:2222", 2222),
        ("login.example.org", 2222),
        ("*.example.org", 22),
        ("login?.example.org,log*", 22),
    ],
)
def test_a_known_hosts_line_of_this_machine(names: str, port: int) -> None:
    assert parse_host_keys(f"{names} {KEY} comment", HOST, port).lines == (KEY,)


@pytest.mark.parametrize(
    ("names", "port"),
    [
        ("other.example.org", 22),
        ("[login.example.org]:2222", 22),
        ("[login.example.org]:2222", 2200),
        ("*.example.org,!login.example.org", 22),
        ("loginXexample.org", 22),
        ("a*" * 40, 22),
    ],
)
def test_a_known_hosts_line_of_another_machine(names: str, port: int) -> None:
    refusal = refused(f"{names} {KEY}", port=port)
    assert refusal.reason == "other_host"
    assert "not for login.example.org" in refusal.message
    assert "paste only the part that starts with the key type" in refusal.message


def test_a_hashed_line_is_taken_if_it_is_the_hash_of_this_machine(tmp_path: Path) -> None:
    assert parse_host_keys(hashed(HOST, tmp_path), HOST, 22).lines == (KEY,)
    assert parse_host_keys(hashed(f"[{HOST}]:2222", tmp_path), HOST, 2222).lines == (KEY,)
    refusal = refused(hashed("other.example.org", tmp_path))
    assert (refusal.reason, "as a hash" in refusal.message) == ("other_host", True)


@pytest.mark.parametrize("broken", ["|1|!!|!!", "|1|abc", "|2|AAAA|AAAA", "|1||", "||||"])
def test_a_broken_hash_is_no_hash_of_this_machine(broken: str) -> None:
    assert refused(f"{broken} {KEY}").reason == "other_host"


def test_a_private_key_is_not_stored_nor_repeated(make_key: Callable[..., Path]) -> None:
    private = make_key("ed25519").read_text()
    for text in (private, f"{KEY}\n{private}", private.split("\n")[1]):
        refusal = refused(text)
        assert refusal.reason == "private_key"
        assert "not stored" in refusal.message
        assert private.split("\n")[1][:30] not in refusal.message


def test_a_certificate_is_no_host_key(make_key: Callable[..., Path]) -> None:
    authority, host = make_key("ed25519", name="authority"), make_key("ed25519", name="host")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "x", "-h", "-n", HOST, f"{host}.pub"], check=True
    )
    refusal = refused(Path(f"{host}-cert.pub").read_text())
    assert refusal.reason == "certificate"
    assert refusal.message.startswith("This is a host certificate, not a plain host key.")


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("", "empty", "never learns one by itself"),
        ("\n# only a remark\n", "empty", "is missing"),
        (f"@cert-authority *.example.org {KEY}", "authority_line", "starts with @"),
        (f"@revoked * {KEY}", "authority_line", "starts with @"),
        (KEY[:-20], "cut_off", "cut off"),
        (KEY.replace("ssh-ed25519", "ssh-rsa", 1), "type_mismatch", "not the type"),
        (KEY.split()[1], "type_missing", "type at the start"),
        ("ssh-ed25519", "key_missing", "no key after it"),
        (f"{KEY} {OTHER}", "several_keys", "line of its own"),
        (f"{KEY}\0", "control_characters", "control characters"),
        (f"{KEY} com\x1bment", "control_characters", "control characters"),
        ("/etc/ssh/ssh_host_ed25519_key.pub", "file_name", "name of a file"),
        ("256 SHA256:" + "A" * 43 + " root@login (ED25519)", "fingerprint_only", "fingerprint"),
        ("hello", "not_a_key", "not an SSH host key"),
        ("x" * 17000, "too_long", "16 KiB"),
        (f"{KEY}\nhello", "not_a_key", "Line 2: "),
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA", "dsa_key", "DSA"),
    ],
    # Not the text: its key is another one in each process, and all have to find the same tests.
    ids=lambda value: "text" if KEY.split()[1][:40] in value else None,
)
def test_what_is_no_host_key(text: str, reason: str, said: str) -> None:
    refusal = refused(text)
    assert refusal.reason == reason
    assert said in refusal.message
    assert ".ssh/id_" not in refusal.message, "that is where a person's key is, not a machine's"


def test_a_short_rsa_key(make_key: Callable[..., Path]) -> None:
    assert refused(Path(f"{make_key('rsa', 1024)}.pub").read_text()).reason == "rsa_too_short"


def test_more_keys_than_a_machine_has() -> None:
    assert refused("\n".join(public_key() for _ in range(11))).reason == "too_many_keys"
