"""`keys list|add|remove`: the public keys that open your clusters."""

from pathlib import Path
from typing import Any, Optional

import typer

from .. import runtime
from ..client import Portal
from ..errors import CLIError, NotThere, WrongUsage
from ..output import say, show_json, show_table
from ..paths import ssh_folder
from ..times import local

USUAL = ("id_ed25519.pub", "id_ecdsa.pub", "id_ed25519_sk.pub", "id_ecdsa_sk.pub", "id_rsa.pub")


def list_keys() -> None:
    """List your SSH public keys."""
    keys = list(runtime.portal().pages("users/me/ssh-keys/"))
    if runtime.choices.as_json:
        show_json(keys)
    elif runtime.choices.quiet:
        for key in keys:
            print(key["id"])
    else:
        rows = [
            [
                key["id"],
                key["name"],
                f"{key['type']} {key['bits']}",
                key["fingerprint"],
                local(key["lastUsedAt"]),
            ]
            for key in keys
        ]
        show_table(
            ["ID", "NAME", "TYPE", "FINGERPRINT", "LAST USED"],
            rows,
            "You have no key. Add: headnode keys add",
        )


def add_key(
    file: Optional[Path] = typer.Argument(
        None, help="A public key (.pub); without one, the usual in ~/.ssh."
    ),
    name: Optional[str] = typer.Option(None, "--name", help="What to call it; else its comment."),
) -> None:
    """Save an SSH public key. Running clusters accept it within seconds."""
    path = file if file is not None else _usual()
    text = _public_half(path)
    comment = " ".join(text.split()[2:])
    body = {"name": name or comment or path.stem, "publicKey": text}
    answer = runtime.portal().post("users/me/ssh-keys/", body)
    if runtime.choices.as_json:
        show_json(answer)
    elif runtime.choices.quiet:
        print(answer["id"])
    say(f"Saved {answer['name']} ({answer['fingerprint']}).")


def remove_key(key: str = typer.Argument(..., help="Its id, name or fingerprint.")) -> None:
    """Remove an SSH public key. Sessions that it opened end."""
    portal = runtime.portal()
    found = _find(portal, key)
    portal.delete(f"users/me/ssh-keys/{found['id']}/")
    if runtime.choices.as_json:
        show_json(found)
    say(f"Removed {found['name']} ({found['fingerprint']}).")


def _find(portal: Portal, text: str) -> dict[str, Any]:
    rows = list(portal.pages("users/me/ssh-keys/"))
    for field in ("id", "fingerprint", "name"):
        matching = [row for row in rows if str(row[field]) == text]
        if len(matching) > 1:
            raise WrongUsage(
                f"{len(matching)} keys have the name {text!r}. Use the id; see headnode keys list."
            )
        if matching:
            return dict(matching[0])
    raise NotThere(f"You have no key {text!r}. See headnode keys list.")


def _usual() -> Path:
    for name in USUAL:
        if (ssh_folder() / name).is_file():
            return ssh_folder() / name
    raise NotThere(f"There is no key in {ssh_folder()}. Make one: ssh-keygen -t ed25519")


def _public_half(path: Path) -> str:
    """Return the text of a public key. Of a private key it is the file beside it."""
    try:
        text = path.read_text("utf-8", errors="replace")
        if "PRIVATE KEY" in text[:200]:
            path = path.with_name(path.name + ".pub")
            text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise CLIError(f"{path} cannot be read: {error.strerror or error}.") from None
    if "PRIVATE KEY" in text:
        raise CLIError(f"{path} is a private key. Name the public one, which ends in .pub.")
    return text.strip()
