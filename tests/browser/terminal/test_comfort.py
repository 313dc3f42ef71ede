"""Search, looks, size, download, notices, and what a screen reader finds."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs.models import Node
from tests.browser.accessibility import findings
from tests.browser.conftest import SignIn
from tests.browser.terminal.screen import FRONT, connected, run, state, text, until, write

pytestmark = pytest.mark.browser

SELECTED = f"{FRONT}.terminal.getSelection()"
BACKGROUND = f"{FRONT}.terminal.options.theme.background"


def option(page: Page, name: str) -> object:
    return page.evaluate(f"{FRONT}.terminal.options[{name!r}]")


def menu(page: Page) -> None:
    page.get_by_role("button", name="Terminal menu").click()


def test_search_counts_goes_both_ways_and_knows_patterns(window: Page) -> None:
    connected(window)
    run(window, "clear; for i in 1 2 3; do echo needle-$i; done; echo NEEDLE-$((2+2))", "NEEDLE-4")
    window.keyboard.press("Control+Shift+F")
    bar = window.get_by_role("search")
    field = bar.get_by_role("searchbox", name="Find")
    field.fill("needle-")
    expect(bar).to_contain_text("of 4")
    first = window.evaluate(SELECTED)
    assert first.lower() == "needle-"
    for _ in range(2):
        window.keyboard.press("Enter")
    at = bar.locator("output").inner_text()
    window.keyboard.press("Shift+Enter")
    expect(bar.locator("output")).not_to_have_text(at)
    bar.get_by_role("button", name="Match upper and lower case").click()
    expect(bar).to_contain_text("of 3")
    bar.get_by_role("button", name="Regular expression").click()
    field.fill("needle-[12]$")
    expect(bar).to_contain_text("of 2")
    field.fill("needle-[")
    expect(bar).to_contain_text("Not a pattern")
    field.fill("nowhere")
    expect(bar).to_contain_text("No match")
    window.keyboard.press("Escape")
    run(window, "echo typed-$((1+1))", "typed-2")


def test_colours_follow_the_system_live_until_some_are_chosen(
    sign_in: SignIn, alice: User, address: str
) -> None:
    page = sign_in(alice, color_scheme="dark")
    page.goto(address)
    connected(page)
    assert page.evaluate(BACKGROUND) == "#0b1312"
    page.emulate_media(color_scheme="light")
    until(page, f"{BACKGROUND} === '#fbfdfc'")
    menu(page)
    page.get_by_role("radio", name="Strong").check()
    until(page, f"{BACKGROUND} === '#000000'")
    page.reload()
    connected(page)
    assert page.evaluate(BACKGROUND) == "#000000"


def test_the_text_grows_and_shrinks_and_is_remembered(window: Page) -> None:
    connected(window)
    columns = window.evaluate(f"{FRONT}.terminal.cols")
    for key in ("Control+Equal", "Control+Equal", "Control+Minus", "Control+Equal"):
        window.keyboard.press(key)
    until(window, f"{FRONT}.terminal.cols < {columns}")
    assert option(window, "fontSize") == 16
    columns = window.evaluate(f"{FRONT}.terminal.cols")
    run(window, "echo wide-$(tput -T xterm cols)", f"wide-{columns}")
    window.reload()
    connected(window)
    assert option(window, "fontSize") == 16
    menu(window)
    window.get_by_role("button", name="Smaller text").click()
    assert option(window, "fontSize") == 15
    window.keyboard.press("Escape")
    window.evaluate(f"{FRONT}.terminal.focus()")
    window.keyboard.press("Control+0")
    assert option(window, "fontSize") == 14


def test_the_text_is_drawn_without_webgl_too(window: Page) -> None:
    connected(window)
    assert window.evaluate(f"{FRONT}.screen.renderer.kind") == "webgl"
    window.evaluate(
        f"""{FRONT}.querySelectorAll("canvas").forEach((canvas) => {{
          canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
        }})"""
    )
    until(window, f"{FRONT}.screen.renderer.kind === 'dom'")
    run(window, "echo still-$((1+1))", "still-2")
    expect(window.locator(".xterm-rows")).to_contain_text("still-2")


def test_a_screen_reader_gets_the_lines_and_the_state(window: Page) -> None:
    connected(window)
    menu(window)
    window.get_by_role("checkbox", name="Screen-reader mode").check()
    expect(window.locator("#announcer")).to_have_text("Screen-reader mode is on.")
    window.keyboard.press("Escape")
    window.evaluate(f"{FRONT}.terminal.focus()")
    run(window, "echo spoken-$((1+1))", "spoken-2")
    expect(
        window.locator(".xterm-accessibility [role=listitem]").filter(has_text=re.compile("^spoken-2"))
    ).to_be_visible()
    expect(window.get_by_role("status").filter(has_text="Connected")).to_have_count(1)
    window.reload()
    connected(window)
    assert option(window, "screenReaderMode") is True


def test_what_it_kept_can_be_downloaded(window: Page) -> None:
    connected(window)
    run(window, "clear; printf 'long-%s' $(seq 400); echo; echo end-$((1+1))", "end-2")
    menu(window)
    with window.expect_download() as download:
        window.get_by_role("button", name="Download as text").click()
    assert re.fullmatch(r"Wing-flow-head-\d{4}-\d\d-\d\d-\d{4}\.txt", download.value.suggested_filename)
    lines = Path(download.value.path()).read_text().splitlines()
    assert "".join(f"long-{number}" for number in range(1, 401)) in lines, "a wrapped line is one line"
    assert lines[-2] == "end-2"


def test_notices_are_told_above_the_screen_and_not_in_it(window: Page) -> None:
    connected(window)
    notice = "The node goes in 5 minutes."
    # A NOTICE frame, as the portal sends it.
    window.evaluate(
        f"""(sentence) => {{
          const frame = new Uint8Array([0x83, ...new TextEncoder().encode(sentence)]);
          {FRONT}.session.socket.onmessage({{ data: frame.buffer }});
        }}""",
        notice,
    )
    banner = window.locator(".hn-banner").filter(has_text=notice)
    expect(banner).to_be_visible()
    assert notice not in text(window)
    banner.get_by_role("button", name="Dismiss").click()
    expect(banner).to_have_count(0)
    run(window, "echo focus-$((1+1))", "focus-2")


def test_frames_of_a_newer_portal_are_passed_on_and_hurt_nothing(window: Page) -> None:
    connected(window)
    window.evaluate(
        f"{FRONT}.addEventListener('headnode:frame', ({{detail}}) => (window.frame = detail.opcode))"
    )
    window.evaluate(f"{FRONT}.session.socket.onmessage({{ data: new Uint8Array([0x9c, 1, 2]).buffer }})")
    assert window.evaluate("window.frame") == 0x9C
    window.evaluate(f"{FRONT}.indicators.set('recording', {{ text: 'Recorded', tone: 'bad' }})")
    expect(window.get_by_role("group", name="About this shell")).to_contain_text("Recorded")
    run(window, "echo fine-$((1+1))", "fine-2")


def test_a_shell_nobody_types_in_counts_down_until_somebody_does(window: Page) -> None:
    def say(told: str) -> None:
        frame = f"new Uint8Array([0x88, ...new TextEncoder().encode('{told}')])"
        window.evaluate(f"{FRONT}.session.socket.onmessage({{ data: {frame}.buffer }})")

    connected(window)
    signs = window.get_by_role("group", name="About this shell")
    say('{"secondsLeft": 120}')
    expect(signs).to_contain_text(re.compile(r"Closes in (2:00|1:5\d)"))
    expect(signs).to_contain_text(re.compile(r"Closes in 1:5[0-8]"))
    say('{"secondsLeft": null}')
    expect(signs).not_to_contain_text("Closes in")
    run(window, "echo awake-$((1+1))", "awake-2")


@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing(
    sign_in: SignIn, alice: User, address: str, compute_node: Node, width: int
) -> None:
    page = sign_in(alice, viewport={"width": width, "height": 760})
    page.goto(address)
    connected(page)
    run(page, "ls --color=always / ; echo listed-$((1+1))", "listed-2")
    found = findings(page)
    menu(page)
    found += findings(page, "menu")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New shell", exact=True).click()
    page.get_by_role("dialog", name="New shell").wait_for()
    found += findings(page, "chooser")
    page.keyboard.press("Escape")
    page.evaluate(f"void {FRONT}.clipboard.paste('a\\n'.repeat(20) + '\\x07')")
    page.get_by_role("dialog", name="Paste this?").wait_for()
    found += findings(page, "paste")
    page.get_by_role("button", name="Cancel").click()
    page.keyboard.press("Control+Shift+F")
    page.get_by_role("searchbox").fill("listed")
    page.evaluate(
        f"{FRONT}.banners.show('n', 'The node goes soon.', {{ tone: 'busy', actions: [['Go', () => 0]] }})"
    )
    page.evaluate(f"{FRONT}.indicators.set('a', {{ text: 'Recorded', tone: 'bad' }})")
    found += findings(page, "find, banner, sign")
    page.keyboard.press("Escape")
    page.evaluate(f"{FRONT}.terminal.focus()")
    write(page, "exit\n")
    state(page, "ended")
    found += findings(page, "ended")
    menu(page)
    page.get_by_role("checkbox", name="Screen-reader mode").check()
    page.keyboard.press("Escape")
    found += findings(page, "screen-reader mode")
    assert found == []
