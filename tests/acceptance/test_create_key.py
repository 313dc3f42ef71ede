""" "Create a key for me": the private half is made in the browser, works with ssh, and never leaves the machine."""

import base64
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from playwright.sync_api import Page, Request, WebSocket, expect

from tests.acceptance.people import Person, sign_in, with_token
from tests.stack import Stack

pytestmark = [pytest.mark.acceptance, pytest.mark.browser]

KEYS = "/api/v2/users/me/ssh-keys/"


class Wire:
    """Everything a browser sends: addresses, headers, bodies, websocket frames."""

    def __init__(self, page: Page) -> None:
        self.sent: list[bytes] = []
        page.context.on("request", self._request)
        page.on("websocket", self._websocket)

    def _request(self, request: Request) -> None:
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        raw = f"{request.method} {request.url}\n{headers}\n".encode() + (request.post_data_buffer or b"")
        self.sent += [raw, unquote_to_bytes(raw)]

    def _websocket(self, socket: WebSocket) -> None:
        socket.on(
            "framesent", lambda frame: self.sent.append(frame if isinstance(frame, bytes) else frame.encode())
        )

    def holds(self, secret: bytes) -> bool:
        return any(secret in message for message in self.sent)


def seed_of(path: Path) -> bytes:
    private = load_ssh_private_key(path.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return private.private_bytes_raw()


def disguises(secret: bytes) -> Iterator[bytes]:
    """The secret as it is, and as hex or base64 writes it, wherever it begins in a longer text."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        inner = encoded[4 if shift else 0 : -4]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


@pytest.fixture
def person(stack: Stack) -> Iterator[Person]:
    """Somebody whose keys are removed and jobs stopped afterwards."""
    found = with_token(stack)
    before = {row["id"] for row in found.get(KEYS)["results"]}
    yield found
    for row in found.get(KEYS)["results"]:
        if row["id"] not in before:
            found.call("DELETE", f"{KEYS}{row['id']}/")


def test_the_private_key_works_and_was_never_sent(
    stack: Stack, person: Person, browser_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = browser_page()
    wire = Wire(page)
    sign_in(page, stack)
    page.goto(stack.base_url + "settings/job/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Create a key for me").click()
    assert download.value.suggested_filename == "id_ed25519_headnode"
    path = tmp_path / "id_ed25519_headnode"
    download.value.save_as(path)
    path.chmod(0o600)

    # Both halves belong together, by the judgement of ssh-keygen.
    derived = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", str(path)], capture_output=True, text=True)
    assert derived.returncode == 0, derived.stderr
    listed = subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, text=True).stdout
    expect(page.locator("#keys")).to_contain_text(listed.split()[1])
    saved = next(row for row in person.get(KEYS)["results"] if row["fingerprint"] == listed.split()[1])
    assert saved["publicKey"] == derived.stdout.strip()
    again = subprocess.run(["puttygen", str(path), "-L"], capture_output=True, text=True)
    assert again.stdout.split()[:2] == derived.stdout.split()[:2]

    # Saved a second time it is the same file.
    with page.expect_download() as second:
        page.get_by_role("button", name="Save the private key again").click()
    assert Path(second.value.path()).read_bytes() == path.read_bytes()
    page.reload()

    # The public half was sent; nothing of the private one.
    assert wire.holds(saved["publicKey"].split()[1].encode())
    assert not [word for word in disguises(seed_of(path)) if wire.holds(word)]
    assert not [line for line in path.read_text().splitlines() if wire.holds(line.encode())]
    kept = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    assert "PRIVATE KEY" not in kept

    # It opens a node.
    status, rule = person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.1"})
    job = person.submit("sleep 300", name="created key")
    try:
        person.wait_for_message(job, "Instance ready")
        ssh = person.ssh_config(job, path, tmp_path)
        assert ssh("whoami").strip() == f"uprod_{job}"
    finally:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
        if status == 201:
            person.call("DELETE", f"/api/v2/users/me/access-rules/{rule['id']}/")
    person.wait_for_cluster(job, "Stopped")


def test_a_browser_that_cannot_is_told_the_command(stack: Stack, browser_page: Callable[..., Page]) -> None:
    page = browser_page()
    page.add_init_script("delete SubtleCrypto.prototype.generateKey;")
    sign_in(page, stack)
    page.goto(stack.base_url + "settings/job/")
    shown = page.locator("[data-cannot-create]")
    expect(shown).to_be_visible()
    expect(shown).to_contain_text("ssh-keygen -t ed25519")
    expect(page.get_by_role("button", name="Create a key for me")).to_be_hidden()


def test_the_guides_name_every_system(stack: Stack, browser_page: Callable[..., Page]) -> None:
    page = browser_page()
    sign_in(page, stack)
    page.goto(stack.base_url + "settings/job/")
    for system, words in (
        ("Linux and macOS", ("chmod 600", "ssh-add")),
        ("Windows: with OpenSSH", ("ssh-agent", ".pub")),
        ("Windows: with PuTTY", ("PuTTYgen", "Pageant")),
    ):
        guide = page.locator(".guides details", has_text=re.compile(f"^\\s*{system}"))
        guide.locator("summary").click()
        for word in words:
            expect(guide).to_contain_text(word, use_inner_text=True)
