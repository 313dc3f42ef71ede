"""`login`, `logout` and `whoami`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, Optional
from urllib.parse import urlsplit

import typer

from .. import __version__, device_login, profiles, runtime, tokens, web_browser
from ..client import Portal
from ..errors import CLIError, NotSignedIn, WrongUsage
from ..output import note, say, show_facts, show_json, warn
from ..paths import config_file
from ..plain_text import printable
from ..versions import difference

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def login(
    address: Optional[str] = typer.Argument(None, metavar="[URL]", help="The portal's address."),
    with_token: bool = typer.Option(False, "--with-token", help="Read a token from standard input instead."),
    no_browser: bool = typer.Option(False, "--no-browser", help="Only print the address to open."),
    ca_file: Optional[str] = typer.Option(None, help="A file with the portal's certificate authority."),
) -> None:
    """Sign in to a portal: confirm a short code in the browser, or paste a token."""
    settings = profiles.read(config_file())
    url = _url(address, settings)
    # Before a token is made that nobody would know of.
    name = runtime.choices.profile or profiles.profile_name(url)
    old = settings.profiles.get(name)
    if old is not None and old.url != url:
        raise WrongUsage(f"The profile {name!r} is of {old.url}. Choose another name with --profile.")
    if ca_file is None and (known := _profile_of(settings, url)):
        ca_file = known.ca_file
    ca_file = os.path.abspath(ca_file) if ca_file else ""
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOOPBACK:
        warn(f"{url} is not encrypted: anyone on the way can read your token.")
    token, is_made = (
        (_pasted(), False) if with_token else _confirmed(Portal(url, ca_file=ca_file), no_browser)
    )
    portal = Portal(url, token, ca_file)
    replaced = _kept_token(_profile_of(settings, url))
    try:
        me = portal.get("users/me/")
        store = tokens.save(url, token)
        settings.profiles[name] = profiles.Profile(url, _name_of(me), ca_file, store)
        settings.current = name
        profiles.write(config_file(), settings)
    except BaseException:
        if is_made:  # a token that is kept nowhere would be good for months
            with suppress(CLIError):
                portal.delete("users/me/token/")
        raise
    if replaced and replaced != token:
        _end_replaced(Portal(url, replaced, ca_file))
    if runtime.choices.as_json:
        show_json({"url": url, "profile": name, "user": me})
    say(f"Signed in to {url} as {_name_of(me)}.")
    if remark := difference(__version__, portal.version):
        warn(f"{remark} Install the portal's: {url}/cli/")


def logout() -> None:
    """Sign out: the portal revokes this computer's token, and it is removed here."""
    access = runtime.chosen_access()
    settings = profiles.read(config_file())
    try:
        Portal(access.url, access.token, access.ca_file).delete("users/me/token/")
        said = f"Signed out of {access.url}."
    except NotSignedIn:
        said = f"{access.url} no longer knew the token. It is removed here."
    if runtime.has_given_token():
        said += " Unset HEADNODE_TOKEN, too."
    else:
        tokens.forget(access.url, access.token_store)
        settings.profiles.pop(access.profile, None)
        if settings.current == access.profile:
            settings.current = next(iter(settings.profiles), "")
        profiles.write(config_file(), settings)
    if runtime.choices.as_json:
        show_json({"url": access.url, "signedOut": True})
    say(said)


def whoami() -> None:
    """Show who is signed in, and where."""
    access = runtime.chosen_access()
    portal = Portal(access.url, access.token, access.ca_file)
    me = portal.get("users/me/")
    if runtime.choices.as_json:
        show_json(me)
    elif runtime.choices.quiet:
        print(_name_of(me))
    else:
        settings, token = portal.get("users/me/job-settings/"), portal.get("users/me/token/")
        allowed = "yes" if settings["currentAddressAllowed"] else "no: it is in no access rule of yours"
        show_facts(
            [
                ("User", _name_of(me)),
                ("Portal", access.url),
                ("Profile", access.profile),
                ("Token", token["name"]),
                ("Expires", token["expiresAt"]),
                ("Your address", settings["currentAddress"]),
                ("May connect", allowed),
            ]
        )
    if remark := difference(__version__, portal.version):
        note(f"{remark} Install the portal's: {access.url}/cli/")


def _url(address: Optional[str], settings: profiles.Settings) -> str:
    named = [text for text in (address, runtime.choices.url) if text]
    if len(named) > 1:
        raise WrongUsage("Name the portal once.")
    if named:
        return profiles.clean_url(named[0])
    if (profile := settings.profiles.get(runtime.choices.profile or "")) is not None:
        return profile.url
    if text := os.environ.get("HEADNODE_URL"):
        return profiles.clean_url(text)
    if (profile := settings.profiles.get(settings.current)) is not None:
        return profile.url
    raise WrongUsage("Which portal? Run: headnode login https://your-portal")


def _profile_of(settings: profiles.Settings, url: str) -> Optional[profiles.Profile]:
    return next((profile for profile in settings.profiles.values() if profile.url == url), None)


def _kept_token(profile: Optional[profiles.Profile]) -> str:
    """Return the token that this computer keeps of a portal; empty if it keeps none that can be read."""
    with suppress(CLIError):
        return tokens.load(profile.url, profile.token_store) if profile is not None else ""
    return ""


def _end_replaced(portal: Portal) -> None:
    """End the token that a new sign-in replaced, if this program had it made: nothing else knows it.

    A pasted one may be in use elsewhere. The new sign-in is good whatever becomes of the old token.
    """
    with suppress(CLIError):
        if portal.get("users/me/token/").get("name") == device_login.client_name():
            portal.delete("users/me/token/")


def _name_of(me: dict[str, Any]) -> str:
    return str(me.get("username") or me.get("email") or "")


def _confirmed(portal: Portal, no_browser: bool) -> tuple[str, bool]:
    """Return a token, and whether the portal made it, once the code was confirmed; else it was pasted."""
    asked = device_login.begin(portal)
    address, code = str(asked["verificationUriComplete"]), printable(str(asked["userCode"]))
    if not web_browser.is_page(address):
        raise CLIError(f"{portal.url} named a page that is none: {address!r}. It was not opened.")
    print(f"Confirm this code: {code}", file=sys.stderr)
    opened = not no_browser and web_browser.open_page(address)
    print(
        "Your browser shows it at" if opened else "Open this page in a browser, here or elsewhere:",
        file=sys.stderr,
    )
    print(f"  {address}", file=sys.stderr)
    print("Waiting... (Ctrl-C to paste a token instead)", file=sys.stderr, flush=True)
    try:
        token = str(device_login.wait(portal, asked)["token"])
    except KeyboardInterrupt:
        if not sys.stdin.isatty():
            raise
        print(f"\nMake a token at {portal.url}/settings/tokens/", file=sys.stderr)
        return _pasted(), False
    if not runtime.is_token(token):
        raise CLIError(f"{portal.url} gave a token that is none. It was not used.")
    return token, True


def _pasted() -> str:
    """Return a token from standard input; a terminal does not show it."""
    if sys.stdin.isatty():
        import getpass

        token = getpass.getpass("Token: ")
    else:
        token = sys.stdin.readline()
    token = token.strip()
    if not runtime.is_token(token):
        raise CLIError("That is no token. Make one on the portal: Settings, API tokens.")
    return token
