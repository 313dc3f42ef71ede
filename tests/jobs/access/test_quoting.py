"""Lines people copy and tools parse."""

import re
import shlex

from jobs.access import quoting


def test_the_connection_message_is_exactly_what_tools_parse() -> None:
    message = quoting.connection_message("uprod_Fotxeb", "192.0.2.7", 22, "/enc/uprod_Fotxeb/work")
    assert message == (
        "Instance ready for ssh access. Command: ssh -i </path/to/key> uprod_Fotxeb@192.0.2.7; "
        "working directory: /enc/uprod_Fotxeb/work"
    )


def test_another_port_stands_after_the_first_semicolon() -> None:
    message = quoting.connection_message("uprod_Fotxeb", "192.0.2.7", 32100, "/enc/uprod_Fotxeb/work")
    assert message == (
        "Instance ready for ssh access. Command: ssh -i </path/to/key> uprod_Fotxeb@192.0.2.7; port: 32100; "
        "working directory: /enc/uprod_Fotxeb/work"
    )
    found = re.match(r".*Command: ssh -i </path/to/key> (\S+);.*", message)
    assert found is not None
    assert found[1].rstrip(";") == "uprod_Fotxeb@192.0.2.7"
    assert "\n" not in message


def test_the_ssh_command_names_the_port_only_when_it_must() -> None:
    assert quoting.ssh_command("uprod_a", "192.0.2.7", 22) == "ssh uprod_a@192.0.2.7"
    assert quoting.ssh_command("uprod_a", "192.0.2.7", 32100) == "ssh -p 32100 uprod_a@192.0.2.7"


def test_words_reach_the_shell_as_they_are() -> None:
    nasty = "$(reboot) `id` 'x' \"y\" ; rm -rf / \n"
    assert shlex.split(quoting.posix_command("echo", nasty)) == ["echo", nasty]


def test_known_hosts_names() -> None:
    assert quoting.known_hosts_name("127.20.0.5", 22) == "127.20.0.5"
    assert quoting.known_hosts_name("127.20.0.5", 32100) == "[127.20.0.5]:32100"
