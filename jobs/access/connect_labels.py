"""What each recipe is called, and in one line what it does. Files that a person puts their own for are named here."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Words(NamedTuple):
    """A title and one line."""

    title: "str | Promise"
    line: "str | Promise"


TABS: dict[str, Words] = {
    "openssh": Words(
        _("OpenSSH"),
        _(
            "For Linux, macOS and Windows 10 or later. If your key is not where ssh looks, add -i and its file."
        ),
    ),
    "strict": Words(
        _("OpenSSH strict"),
        _(
            "Connects only to the machine the portal knows, and never asks. For programs, and for careful people."
        ),
    ),
    "putty": Words(
        _("PuTTY"),
        _(
            "key.ppk stands for your key's file; PuTTYgen makes it of an OpenSSH key. PuTTY connects directly."
        ),
    ),
    "vscode": Words(
        _("VS Code"), _("For the Remote - SSH extension: your editor and its terminal on the node.")
    ),
    "files": Words(
        _("Files"),
        _(
            "work/shared on the node is for files to keep. "
            "input.dat, folder and results stand for files of yours."
        ),
    ),
    "tunnels": Words(
        _("Tunnels"),
        _("Reach a port of the node from your computer, or the other way round, while the command runs."),
    ),
    "x11": Words(
        _("X11"),
        _(
            "Windows of programs on the node, on your screen. Needs an X server: XQuartz, VcXsrv, or Linux itself."
        ),
    ),
}

RECIPES: dict[str, Words] = {
    "openssh": Words(_("Log in"), _("Opens a shell on the node.")),
    "openssh-run": Words(
        _("Run one command"), _("Runs hostname on the node, prints what it says, and comes back.")
    ),
    "strict-authority": Words(
        _("With the portal's line in known_hosts"),
        _("Trusts every cluster of this portal by one @cert-authority line, which you add once."),
    ),
    "strict-file": Words(
        _("With this job's known_hosts file"),
        _("Trusts exactly this job's host keys. Run it in the folder you saved the file to."),
    ),
    "putty-fields": Words(
        _("PuTTY's fields"), _("What to fill in before Open. The host key makes PuTTY ask nothing.")
    ),
    "plink": Words(_("plink"), _("A shell in the command line, with the host key pinned.")),
    "plink-batch": Words(
        _("plink, one command"), _("For scripts: never asks anything. A key with a passphrase needs Pageant.")
    ),
    "vscode-config": Words(
        _("For your ssh configuration"),
        _("Add it to ~/.ssh/config; ssh and every editor that uses it know the node by this name then."),
    ),
    "vscode-open": Words(_("Open the working directory"), _("Opens a VS Code window on the node.")),
    "sftp": Words(_("sftp"), _("Opens a session for files: ls, get, put.")),
    "scp-up": Words(_("scp: send a file"), _("Copies input.dat to the node.")),
    "scp-down": Words(_("scp: fetch a file"), _("Copies the job's process output into this folder.")),
    "scp-old": Words(
        _("scp: the older protocol"),
        _(
            "With -O, for what only the older one does. An scp from before OpenSSH 8.7 has no -O: leave it out there."
        ),
    ),
    "rsync-up": Words(
        _("rsync: send a folder"), _("Copies only what changed, and goes on after a broken line.")
    ),
    "rsync-down": Words(_("rsync: fetch a folder"), _("Copies work/shared into results on your computer.")),
    "psftp": Words(_("psftp"), _("PuTTY's session for files, with the host key pinned.")),
    "pscp-up": Words(_("pscp: send a file"), _("PuTTY's copy command, with the host key pinned.")),
    "tunnel-local": Words(
        _("To a port of the node"),
        _("A notebook or a solver's page on the node appears at localhost on your computer."),
    ),
    "tunnel-remote": Words(
        _("From the node to your computer"),
        _("Programs on the node reach a port of your computer, such as a licence server."),
    ),
    "tunnel-dynamic": Words(
        _("A SOCKS proxy"), _("A browser that uses it reaches everything the node reaches, at its own port.")
    ),
    "tunnel-putty": Words(
        _("PuTTY's fields"), _("In Connection, SSH, Tunnels: fill these in, choose Local, press Add.")
    ),
    "tunnel-plink": Words(_("plink"), _("The tunnel to a port of the node, with PuTTY's tools.")),
    "x11": Words(
        _("Log in with X11"), _("Then start a program such as xclock. -Y trusts what runs on the node.")
    ),
    "x11-compressed": Words(_("Over a slow line"), _("The same, compressed.")),
}

FIELDS: dict[str, "str | Promise"] = {
    "host": _("Session: Host Name"),
    "port": _("Session: Port"),
    "username": _("Connection, Data: Auto-login username"),
    "key_file": _("Connection, SSH, Auth, Credentials: Private key file"),
    "host_key": _("Connection, SSH, Host keys: Key to accept"),
    "source_port": _("Source port"),
    "destination": _("Destination"),
}

PORT_SENTENCE = _("A port is a whole number from 1 to 65535.")
