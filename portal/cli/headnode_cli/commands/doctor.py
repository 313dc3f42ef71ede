"""`doctor`, `completion`: what is wrong here and how to mend it; words that the shell completes."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from typing import Any, Callable, NamedTuple
from urllib.parse import urlsplit

import typer

from .. import __version__, profiles, runtime
from ..client import Portal
from ..errors import CLIError, Exit, WrongUsage
from ..output import GREEN, RED, YELLOW, coloured, show_json
from ..paths import config_file, ssh_folder
from ..plain_text import printable
from ..versions import difference

WELL, WARNING, WRONG = "ok", "warning", "wrong"
COLOURS = {WELL: GREEN, WARNING: YELLOW, WRONG: RED}
CLOCK_SECONDS = 60


class Finding(NamedTuple):
    """What was looked at, how it is, and what to do if it is not well."""

    what: str
    state: str
    said: str
    mend: str = ""


def doctor() -> int:
    """Look for what keeps the command line from working: settings, network, clock, key, address, versions."""
    findings: list[Finding] = []
    for check in (_settings, _programs, _own_key):
        findings += check()
    try:
        access = runtime.chosen_access(needs_token=False)
    except CLIError as error:
        findings.append(Finding("portal", WRONG, str(error)))
    else:
        findings += _network(access)
    if runtime.choices.as_json:
        show_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            if runtime.choices.quiet and finding.state == WELL:
                continue
            state = coloured(finding.state.ljust(8), COLOURS[finding.state])
            print(f"{state}{finding.what}: {printable(finding.said)}")
            if finding.mend and finding.state != WELL:
                print(f"        {printable(finding.mend)}")
    return Exit.FAILED if any(finding.state == WRONG for finding in findings) else Exit.DONE


def _settings() -> list[Finding]:
    try:
        found = profiles.read(config_file())
    except CLIError as error:
        return [Finding("settings", WRONG, str(error))]
    count = len(found.profiles)
    return [Finding("settings", WELL, f"{config_file()}, {count} portal{'' if count == 1 else 's'}")]


def _programs() -> list[Finding]:
    said = f"headnode {__version__}, Python {platform.python_version()}, {platform.system()}"
    found = [Finding("program", WELL, said)]
    ssh = shutil.which("ssh")
    if ssh is None:
        return [*found, Finding("ssh", WRONG, "not found", "Install OpenSSH's client.")]
    try:
        version = subprocess.run([ssh, "-V"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        found.append(Finding("ssh", WRONG, f"{ssh} cannot be run", "Install OpenSSH's client."))
    else:
        found.append(Finding("ssh", WELL, (version.stderr or version.stdout).strip()))
    if shutil.which("rsync") is None:
        found.append(
            Finding("rsync", WARNING, "not found", "cp uses sftp instead, which is slower for many files.")
        )
    return found


def _own_key() -> list[Finding]:
    names = sorted(path.name for path in ssh_folder().glob("*.pub")) if ssh_folder().is_dir() else []
    if not names:
        return [Finding("key", WARNING, f"none in {ssh_folder()}", "Make one: ssh-keygen -t ed25519")]
    return [Finding("key", WELL, ", ".join(names))]


def _network(access: runtime.Access) -> list[Finding]:
    """Return findings from the name to the sign-in; what cannot be looked at after a fault is left out."""
    parts = urlsplit(access.url)
    found = [*_proxy(), *_name(parts.hostname or "")]
    try:
        portal = Portal(access.url, access.token, access.ca_file, tries=1)
        before = time.time()
        answer = portal.request("GET", "/healthz")
    except CLIError as error:
        return [
            *found,
            Finding("portal", WRONG, str(error), "Check the address, your network and the proxy."),
        ]
    found.append(Finding("portal", WELL, f"{access.url} answers"))
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        found.append(
            Finding("encryption", WARNING, "none: http://", "Ask the administrator for an https:// address.")
        )
    found += _clock(answer.headers.get("date", ""), before)
    return [*found, *_sign_in(portal, access)]


def _proxy() -> list[Finding]:
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
    known = {name: os.environ.get(name) or os.environ.get(name.lower()) for name in names}
    # A proxy's address may hold a password.
    shown = ", ".join(f"{name}={(value or '').rpartition('@')[2]}" for name, value in known.items() if value)
    return [Finding("proxy", WELL, shown)] if shown else []


def _name(host: str) -> list[Finding]:
    try:
        addresses = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None)})
    except (OSError, UnicodeError) as error:
        state = WARNING if _proxy() else WRONG  # a proxy may know names that this computer does not
        why = getattr(error, "strerror", None) or "no name can be so"
        return [Finding("name", state, f"{host} is not known ({why})", "Check the address and your DNS.")]
    return [Finding("name", WELL, f"{host} is {', '.join(addresses)}")]


def _clock(date: str, before: float) -> list[Finding]:
    try:
        ahead = (before + time.time()) / 2 - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return []
    if abs(ahead) <= CLOCK_SECONDS:
        return [Finding("clock", WELL, "agrees with the portal's")]
    word = "ahead of" if ahead > 0 else "behind"
    return [
        Finding(
            "clock",
            WARNING,
            f"{abs(ahead):.0f} s {word} the portal's",
            "Set the clock; certificates need it.",
        )
    ]


def _sign_in(portal: Portal, access: runtime.Access) -> list[Finding]:
    if not access.token:
        return [Finding("sign-in", WRONG, "not signed in", f"Run: headnode login {access.url}")]
    try:
        me, settings = portal.get("users/me/"), portal.get("users/me/job-settings/")
        keys = list(portal.pages("users/me/ssh-keys/"))
    except CLIError as error:
        return [Finding("sign-in", WRONG, str(error))]
    found = [Finding("sign-in", WELL, str(me["username"]))]
    if remark := difference(__version__, portal.version):
        found.append(Finding("version", WARNING, remark, f"Install the portal's: {access.url}/cli/"))
    else:
        found.append(Finding("version", WELL, f"portal {portal.version or 'of an older kind'}"))
    found.append(
        Finding("keys", WELL, f"{len(keys)} saved on the portal")
        if keys
        else Finding("keys", WRONG, "none saved on the portal", "Add yours: headnode keys add")
    )
    return [*found, _address(settings, access.url)]


def _address(settings: dict[str, Any], url: str) -> Finding:
    address = settings["currentAddress"]
    if not settings["sshAccess"]:
        return Finding("address", WRONG, "SSH access is switched off", f"Switch it on: {url}/settings/job/")
    if not settings["currentAddressAllowed"]:
        return Finding("address", WRONG, f"{address} is in no access rule", f"Add it: {url}/settings/job/")
    return Finding("address", WELL, f"{address} may connect")


def completion(
    shell: str = typer.Argument(
        "", metavar="[bash|zsh|fish|powershell]", help="Without one, the shell you use."
    ),
) -> None:
    """Print what makes your shell complete commands, jobs and options.

    bash: headnode completion bash > ~/.local/share/bash-completion/completions/headnode
    """
    import typer.completion

    known = ("bash", "zsh", "fish", "powershell")
    shell = shell or os.path.basename(os.environ.get("SHELL", "")).replace(".exe", "")
    if shell not in known:
        raise WrongUsage(f"Which shell? One of {', '.join(known)}.")
    script: Callable[..., str] = vars(typer.completion)["get_completion_script"]
    sys.stdout.write(script(prog_name="headnode", complete_var="_HEADNODE_COMPLETE", shell=shell) + "\n")
