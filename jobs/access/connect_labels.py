"""Titles and one-line explanations of the connect commands. They also name the placeholder files of the commands."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Label(NamedTuple):
    """A title and a short explanation."""

    title: "str | Promise"
    explanation: "str | Promise"


TAB_LABELS: dict[str, Label] = {
    "openssh": Label(
        _("OpenSSH"),
        _(
            "For Linux, macOS and Windows 10 or later. Commands name the key file that you chose. Through the head "
            "node, ssh needs your key in an agent or in ~/.ssh/config."
        ),
    ),
    "strict": Label(
        _("OpenSSH strict"),
        _(
            "Connects only to the machine that the portal knows, and never prompts. For scripts and strict policies."
        ),
    ),
    "putty": Label(
        _("PuTTY"),
        _(
            "key.ppk stands for your key's file; PuTTYgen converts an OpenSSH key to it. PuTTY connects directly."
        ),
    ),
    "vscode": Label(
        _("VS Code"), _("For the Remote - SSH extension: your editor and its terminal on the node.")
    ),
    "files": Label(
        _("Files"),
        _(
            "work/shared on the node is for files to keep. "
            "input.dat, folder and results stand for your own files."
        ),
    ),
    "tunnels": Label(
        _("Tunnels"),
        _("Reach a port of the node from your computer, or the other way round, while the command runs."),
    ),
    "x11": Label(
        _("X11"),
        _(
            "Windows of programs on the node, on your screen. Needs an X server: XQuartz, VcXsrv, or Linux itself."
        ),
    ),
}

COMMAND_LABELS: dict[str, Label] = {
    "openssh": Label(_("Log in"), _("Opens a shell on the node.")),
    "openssh-run": Label(
        _("Run one command"), _("Runs hostname on the node, prints its output, and returns.")
    ),
    "strict-authority": Label(
        _("With the portal's line in known_hosts"),
        _("Trusts every cluster of this portal by one @cert-authority line, which you add once."),
    ),
    "strict-file": Label(
        _("With this job's known_hosts file"),
        _("Trusts exactly this job's host keys. Run it in the folder you saved the file to."),
    ),
    "putty-fields": Label(
        _("PuTTY's fields"),
        _("Fill these in before you press Open. With the host key, PuTTY does not prompt."),
    ),
    "plink": Label(_("plink"), _("A shell in the command line, with the host key pinned.")),
    "plink-batch": Label(
        _("plink, one command"), _("For scripts: never prompts. A key with a passphrase needs Pageant.")
    ),
    "vscode-config": Label(
        _("For your ssh configuration"),
        _("Add it to ~/.ssh/config; ssh and every editor that uses it know the node by this name then."),
    ),
    "vscode-open": Label(_("Open the working directory"), _("Opens a VS Code window on the node.")),
    "sftp": Label(_("sftp"), _("Opens a session for files: ls, get, put.")),
    "scp-up": Label(_("scp: send a file"), _("Copies input.dat to the node.")),
    "scp-down": Label(_("scp: fetch a file"), _("Copies the job's process output into this folder.")),
    "scp-old": Label(
        _("scp: the older protocol"),
        _(
            "With -O, for features of the older protocol. An scp older than OpenSSH 8.7 has no -O: leave it out there."
        ),
    ),
    "rsync-up": Label(
        _("rsync: send a folder"), _("Copies only what changed, and resumes after a lost connection.")
    ),
    "rsync-down": Label(_("rsync: fetch a folder"), _("Copies work/shared into results on your computer.")),
    "psftp": Label(_("psftp"), _("PuTTY's session for files, with the host key pinned.")),
    "pscp-up": Label(_("pscp: send a file"), _("PuTTY's copy command, with the host key pinned.")),
    "tunnel-local": Label(
        _("To a port of the node"),
        _("A notebook or a solver's page on the node appears at localhost on your computer."),
    ),
    "tunnel-remote": Label(
        _("From the node to your computer"),
        _("Programs on the node reach a port of your computer, such as a licence server."),
    ),
    "tunnel-dynamic": Label(
        _("A SOCKS proxy"), _("A browser that uses it reaches everything that the node reaches.")
    ),
    "tunnel-putty": Label(
        _("PuTTY's fields"), _("In Connection, SSH, Tunnels: fill these in, choose Local, press Add.")
    ),
    "tunnel-plink": Label(_("plink"), _("The tunnel to a port of the node, with PuTTY's tools.")),
    "x11": Label(
        _("Log in with X11"), _("Then start a program such as xclock. -Y trusts what runs on the node.")
    ),
    "x11-compressed": Label(_("Over a slow connection"), _("The same, compressed.")),
}

FIELD_LABELS: dict[str, "str | Promise"] = {
    "host": _("Session: Host Name"),
    "port": _("Session: Port"),
    "username": _("Connection, Data: Auto-login username"),
    "key_file": _("Connection, SSH, Auth, Credentials: Private key file"),
    "host_key": _("Connection, SSH, Host keys: Key to accept"),
    "source_port": _("Source port"),
    "destination": _("Destination"),
}

PORT_SENTENCE = _("A port is a whole number from 1 to 65535.")
