"""Commands to copy: complete, for every shell, and nothing in a name or address can become an option."""

import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.access import connect_commands, connect_labels, quoting
from jobs.access.connect_commands import SSHEndpoint

HEAD = SSHEndpoint(
    username="uprod_Ab12cd",
    address="192.0.2.7",
    port=32100,
    alias="job-ab12cd.headnode.local",
    fingerprints=("SHA256:" + "a/+" * 14 + "b",),
    known_hosts_file="known_hosts-Ab12cd.txt",
    work_directory="/enc/uprod_Ab12cd/work",
)
DIRECT = replace(HEAD, address="192.0.2.8", alias="job-ab12cd-compute-1.headnode.local")
INNER = replace(DIRECT, address="compute-1", head=HEAD)
SIX = replace(HEAD, address="2001:db8::7")
STRICT = ["-o", "StrictHostKeyChecking=yes"]


def texts(endpoint: SSHEndpoint = HEAD, direct: SSHEndpoint | None = None, **ports: int) -> dict[str, str]:
    return {
        command.id: command.text
        for command in connect_commands.connect_commands_for(endpoint, direct or endpoint, **ports)
    }


def split_words(text: str) -> list[str]:
    return shlex.split(text)


def test_each_recipe_has_words_and_a_tab() -> None:
    found = connect_commands.connect_commands_for(HEAD, HEAD)
    assert [command.id for command in found] == list(connect_labels.COMMAND_LABELS)
    assert (
        list(dict.fromkeys(command.tab for command in found))
        == list(connect_commands.TABS)
        == list(connect_labels.TAB_LABELS)
    )
    for command in found:
        assert bool(command.text) != bool(command.fields), command.id
        assert (
            connect_labels.COMMAND_LABELS[command.id].title
            and connect_labels.COMMAND_LABELS[command.id].explanation
        )
        assert all(name in connect_labels.FIELD_LABELS for name, _ in command.fields)


def test_openssh_is_the_command_of_the_copy_button() -> None:
    assert texts()["openssh"] == quoting.ssh_command(HEAD.username, HEAD.address, HEAD.port)
    assert texts()["openssh"] == "ssh -p 32100 uprod_Ab12cd@192.0.2.7"


def test_strict_pins_the_alias_and_reads_only_the_downloaded_file() -> None:
    alias = ["-o", "HostKeyAlias=job-ab12cd.headnode.local"]
    tail = ["-p", "32100", "uprod_Ab12cd@192.0.2.7"]
    assert split_words(texts()["strict-authority"]) == ["ssh", *alias, *STRICT, *tail]
    known = ["-o", "UserKnownHostsFile=known_hosts-Ab12cd.txt"]
    assert split_words(texts()["strict-file"]) == ["ssh", *alias, *STRICT, *known, *tail]


def test_through_the_head_strictness_holds_for_both_machines() -> None:
    *_, proxy, _, _, who = split_words(texts(INNER, DIRECT)["strict-file"])
    assert who == "uprod_Ab12cd@compute-1"
    option, _, command = proxy.partition("=")
    assert option == "ProxyCommand"
    inner = split_words(command)
    assert inner[0] == "ssh" and inner[-3:] == ["-W", "compute-1:32100", "uprod_Ab12cd@192.0.2.7"]
    assert "StrictHostKeyChecking=yes" in inner
    assert "UserKnownHostsFile=known_hosts-Ab12cd.txt" in inner
    assert "HostKeyAlias=job-ab12cd.headnode.local" in inner
    assert "%" not in command, "cmd would effective it"


def test_compute_nodes_are_reached_through_the_head_with_their_own_alias() -> None:
    jump = "-o HostKeyAlias=job-ab12cd-compute-1.headnode.local -J uprod_Ab12cd@192.0.2.7:32100"
    found = texts(INNER, DIRECT)
    assert found["openssh"] == f"ssh {jump} -p 32100 uprod_Ab12cd@compute-1"
    assert found["sftp"] == f"sftp {jump} -P 32100 uprod_Ab12cd@compute-1"
    assert split_words(found["rsync-up"])[4] == f"ssh {jump} -p 32100"
    assert found["plink"].endswith("uprod_Ab12cd@192.0.2.8"), "PuTTY goes directly"


def test_port_22_is_not_said_where_it_goes_without_saying() -> None:
    endpoint = replace(HEAD, port=22)
    found = texts(endpoint)
    assert found["openssh"] == "ssh uprod_Ab12cd@192.0.2.7"
    assert found["sftp"] == "sftp uprod_Ab12cd@192.0.2.7"
    assert split_words(found["rsync-up"])[4] == "ssh"
    through = texts(replace(DIRECT, address="compute-1", port=22, head=endpoint))
    assert through["openssh"].endswith("-J uprod_Ab12cd@192.0.2.7 uprod_Ab12cd@compute-1")
    assert "-W compute-1:22 " in through["strict-file"]


def test_an_ipv6_literal_has_brackets_where_a_colon_follows_and_only_there() -> None:
    found = texts(SIX)
    assert split_words(found["openssh"])[-1] == "uprod_Ab12cd@2001:db8::7"
    assert split_words(found["plink"])[-1] == "uprod_Ab12cd@2001:db8::7"
    assert split_words(found["sftp"])[-1] == "uprod_Ab12cd@[2001:db8::7]"
    assert split_words(found["scp-up"])[-1] == "uprod_Ab12cd@[2001:db8::7]:work/shared/"
    assert split_words(found["rsync-down"])[-2] == "uprod_Ab12cd@[2001:db8::7]:work/shared/"
    assert '"uprod_Ab12cd@[2001:db8::7]' in found["scp-up"], "zsh takes brackets for a pattern"
    through = texts(replace(DIRECT, address="compute-1", head=SIX), DIRECT)
    assert "uprod_Ab12cd@[2001:db8::7]:32100" in split_words(through["openssh"])


def test_ssh_reads_the_ipv6_command_as_it_is_meant() -> None:
    effective = subprocess.check_output(
        ["ssh", "-F", "none", "-G", *split_words(texts(SIX)["openssh"])[1:]], text=True
    )
    assert "hostname 2001:db8::7\n" in effective and "port 32100\n" in effective


def test_ports_of_a_tunnel_are_in_the_command_and_in_the_template() -> None:
    found = {
        command.id: command
        for command in connect_commands.connect_commands_for(HEAD, HEAD, local_port=9000, node_port=5901)
    }
    assert "-L 9000:127.0.0.1:5901 " in found["tunnel-local"].text
    assert "-R 5901:127.0.0.1:9000 " in found["tunnel-remote"].text
    assert "-D 9000 " in found["tunnel-dynamic"].text
    assert found["tunnel-putty"].fields == (("source_port", "9000"), ("destination", "127.0.0.1:5901"))
    for command in found.values():
        if command.template:
            filled = command.template.replace("LOCAL_PORT", "9000").replace("NODE_PORT", "5901")
            assert filled == command.text


@pytest.mark.parametrize(
    ("typed", "port"),
    [("1", 1), ("65535", 65535), (" 8888 ", 8888), ("0022", 22)]
    + [(bad, None) for bad in ("", "0", "65536", "-1", "8.0", "1e3", "8888;id", "٨", "²", "0x10", "999999")],
)
def test_a_port_is_a_whole_number_from_1_to_65535(typed: str, port: int | None) -> None:
    assert connect_commands.port_number(typed) == port


@pytest.mark.parametrize(
    "change",
    [
        {"username": "-oProxyCommand=id"},
        {"username": "a b"},
        {"username": "a;id"},
        {"username": "a@b"},
        {"username": "a\n"},
        {"username": ""},
        {"address": "-oProxyCommand=id"},
        {"address": "$(id)"},
        {"address": "1.2.3.4 -v"},
        {"address": "fe80::1%eth0"},
        {"address": "host\n"},
        {"alias": "job'x"},
        {"alias": "job%h"},
        {"alias": "-x"},
        {"port": 0},
        {"port": 65536},
        {"fingerprints": ("MD5:aa",)},
        {"known_hosts_file": "../x"},
        {"known_hosts_file": "-x"},
        {"work_directory": "/enc/$(id)"},
        {"work_directory": "work"},
    ],
)
def test_what_is_no_name_never_becomes_part_of_a_command(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(HEAD, **change)


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    "word", ["a b", "[2001:db8::7]", "~", "a;id", "a&b|c", "(x)", "'", "a,b", "#x", "{a,b}", "*"]
)
def test_what_is_quoted_for_everywhere_reaches_a_program_as_it_is(
    shell: str, word: str, tmp_path: Path
) -> None:
    line = quoting.portable_command("echo", word)
    assert subprocess.check_output([shell, "-c", line], text=True, cwd=tmp_path) == f"{word}\n"


@pytest.mark.parametrize(
    "word", ["", "a$b", "a`b", 'a"b', "a\\b", "%PATH%", "a!b", "a\nb", "a“b", "a”b", "a\x00b"]
)
def test_what_some_shell_would_read_is_refused(word: str) -> None:
    with pytest.raises(quoting.Unquotable):
        quoting.portable_command("echo", word)


def test_every_word_is_one_that_needs_no_shell_knowledge() -> None:
    for endpoint, direct in ((HEAD, HEAD), (INNER, DIRECT), (SIX, SIX)):
        for command in connect_commands.connect_commands_for(endpoint, direct):
            if command.id == "vscode-config":
                continue
            assert not re.search(r"[$`\\%!'“”]", command.text), command.id
            assert quoting.portable_command(*split_words(command.text)) == command.text


def test_the_configuration_is_what_ssh_reads(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(texts(INNER, DIRECT)["vscode-config"] + "\n")
    ask = ["ssh", "-F", str(config), "-G"]
    inner = subprocess.check_output([*ask, DIRECT.alias], text=True).splitlines()
    assert {"user uprod_Ab12cd", "hostname compute-1", "port 32100", f"proxyjump {HEAD.alias}"} <= set(inner)
    outer = subprocess.check_output([*ask, HEAD.alias], text=True).splitlines()
    assert {"hostname 192.0.2.7", f"hostkeyalias {HEAD.alias}"} <= set(outer)


@pytest.mark.parametrize("value", ["a b", "a#b"])
def test_values_of_the_configuration_are_quoted(value: str) -> None:
    assert quoting.config_value(value) == f'"{value}"'


@pytest.mark.parametrize("value", ["", 'a"b', "a\nProxyCommand id", "%h"])
def test_values_the_configuration_cannot_hold_are_refused(value: str) -> None:
    with pytest.raises(quoting.Unquotable):
        quoting.config_value(value)
