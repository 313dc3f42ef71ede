"""Much output and much input: nothing is lost, and the page stays one's own."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, run, shows, text, until, write

pytestmark = pytest.mark.browser

TEN_MEGABYTES = 10_000_000
WINDOW = 256 * 1024
# What is on its way beside the window: the kernel's pty, ssh's and the gateway's reads.
ON_THE_WAY = 256 * 1024

WATCH_CTRL_C = f"""(() => {{
  const session = {FRONT}.session;
  addEventListener("keydown", (event) => event.key === "c" && (window.pressed = session.received), true);
  session.addEventListener("output", ({{ detail }}) => {{
    if (new TextDecoder().decode(detail.data).includes("^C")) window.answered = detail.end;
  }});
}})()"""

# The worst a browser does to a page nobody looks at: timers that do not run at all.
HIDDEN_WITHOUT_TIMERS = """(() => {
  let hidden = false;
  const later = window.setTimeout;
  Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
  window.setTimeout = (call, ...rest) => (hidden ? 0 : later(call, ...rest));
  window.hidePage = (now) => {
    hidden = now;
    document.dispatchEvent(new Event("visibilitychange"));
  };
})()"""


def test_a_flood_of_ten_megabytes_leaves_the_page_alive_and_ctrl_c_at_hand(window: Page) -> None:
    connected(window)
    window.evaluate(
        "window.frames_drawn = 0; (function draw() { window.frames_drawn += 1; requestAnimationFrame(draw); })()"
    )
    write(window, "yes flood-flood-flood-flood\n")
    until(window, f"{FRONT}.session.shown > {TEN_MEGABYTES}", limit=90)
    assert window.evaluate("window.frames_drawn") > 10, "the page went on drawing"
    # In the middle of it the page is usable: its own controls answer.
    window.get_by_role("button", name="Terminal menu").click()
    expect(window.get_by_role("dialog", name="Terminal menu")).to_be_visible()
    window.keyboard.press("Escape")
    window.evaluate(f"{FRONT}.terminal.focus()")
    window.evaluate(WATCH_CTRL_C)
    window.keyboard.press("Control+c")
    until(window, "window.answered > 0", limit=60)
    run(window, "echo back-$((40+2))", "back-42")
    # How late a key is, in bytes, which no machine's speed changes: what was on its way already, no more.
    assert window.evaluate("window.answered - window.pressed") < WINDOW + ON_THE_WAY


def test_a_page_nobody_looks_at_does_not_hold_the_program_up(
    sign_in: SignIn, alice: User, address: str
) -> None:
    page = sign_in(alice)
    page.add_init_script(HIDDEN_WITHOUT_TIMERS)
    page.goto(address)
    connected(page)
    page.evaluate("hidePage(true)")
    write(page, "yes | head -c 3000000; echo all-$((1+1))\n")
    until(page, f"{FRONT}.session.shown > 2_500_000", limit=60)
    page.evaluate("hidePage(false)")
    shows(page, "all-2")
    assert page.evaluate(f"{FRONT}.session.received - {FRONT}.session.shown") == 0


def test_half_a_megabyte_of_paste_arrives_whole(window: Page, tmp_path: Path) -> None:
    connected(window)
    pasted = tmp_path / "pasted"
    run(window, f"stty -echo; echo on-$((1+1)); cat > {pasted}; echo end-$((1+1))", "on-2")
    line = "x" * 99 + "\\n"
    window.evaluate(f"void {FRONT}.clipboard.paste(('{line}').repeat(5000))")
    window.get_by_role("button", name="Paste", exact=True).click()
    # All of it is on its way: at first nothing waits because nothing was pasted yet.
    until(window, f"{FRONT}.session.input.sent >= 500_000 && {FRONT}.session.input.waiting === 0")
    window.keyboard.press("Control+d")
    shows(window, "end-2")
    assert pasted.read_bytes() == (b"x" * 99 + b"\n") * 5000


def test_ctrl_c_stops_a_paste_that_is_still_on_its_way(window: Page) -> None:
    connected(window)
    # Nobody reads, and lines wait to be read: the paste has to wait, once sshd has the 2 MB it takes for itself. (What
    # is no line yet, the kernel would drop.)
    run(window, "stty -echo; echo on-$((1+1)); sleep 1000", "on-2")
    window.evaluate(f"void {FRONT}.clipboard.paste(('y'.repeat(99) + '\\n').repeat(40000))")
    window.get_by_role("button", name="Paste", exact=True).click()
    until(window, f"{FRONT}.session.input.waiting > 0")
    expect(window.locator("[data-countdown]")).to_contain_text("kB left")
    window.evaluate(f"{FRONT}.terminal.focus()")
    window.keyboard.press("Control+c")
    until(window, f"{FRONT}.session.input.waiting === 0")
    assert "kB left" not in text(window)
