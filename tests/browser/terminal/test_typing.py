"""A real shell in a real Chromium: what is typed, what is shown, how large it is."""

import pytest
from playwright.sync_api import Page, Position, expect

from tests.browser.terminal.screen import FRONT, connected, picture, run, shows, state, text, until, write
from tests.sshgateway import sshd

pytestmark = pytest.mark.browser


def test_typing_is_answered(window: Page, node: sshd.Node) -> None:
    connected(window)
    run(window, "echo answer-$((6*7))", "answer-42")
    status = window.locator(".hn-status")
    expect(status).to_contain_text("Connected")
    expect(status).to_contain_text("head of Wing flow")
    expect(status).to_contain_text(f"127.0.0.1:{node.port}")


def test_the_shell_is_told_how_large_the_window_is(window: Page) -> None:
    connected(window)
    for width, height in ((700, 500), (1100, 640)):
        window.set_viewport_size({"width": width, "height": height})
        cells = f"(({{cols, rows}}) => `${{cols}}x${{rows}}`)({FRONT}.terminal)"
        fits = f"Math.abs({FRONT}.terminal.cols * 8.4 - {width}) < 60"
        until(window, fits)
        run(
            window,
            f"echo size-{width}: $(tput -T xterm cols)x$(tput -T xterm lines)",
            f"size-{width}: {window.evaluate(cells)}",
        )


def test_wide_and_combined_characters_take_the_room_they_have(window: Page) -> None:
    connected(window)
    # Two cells each for 日, 本 and the emoji, one for an e with its accent: the bar stands in the eighth.
    run(window, r"printf '\u65e5\u672c\U0001F642e\u0301|\n'", "日本🙂e\u0301|")
    assert (
        window.evaluate(f"""(() => {{
          const buffer = {FRONT}.terminal.buffer.active;
          const line = [...Array(buffer.length).keys()].map((row) => buffer.getLine(row))
            .find((row) => row.translateToString(true).startsWith("日本🙂"));
          return [...Array(12).keys()].findIndex((column) => line.getCell(column).getChars() === "|");
        }})()""")
        == 7
    )


def test_an_input_method_writes_what_it_composed_once(window: Page) -> None:
    connected(window)
    write(window, "echo ")
    keyboard = window.context.new_cdp_session(window)
    for part in ("に", "にほ", "にほん"):
        keyboard.send(
            "Input.imeSetComposition", {"text": part, "selectionStart": len(part), "selectionEnd": len(part)}
        )
    expect(window.locator(".composition-view.active")).to_have_text("にほん")
    assert "に" not in text(window), "what is still being composed is not sent"
    keyboard.send("Input.insertText", {"text": "日本"})
    run(window, "", "\n日本\n")
    assert text(window).count("日本") == 2, "as it was typed, and the answer"


def test_the_program_s_title_names_tab_and_window(window: Page) -> None:
    connected(window)
    write(window, r"printf '\e]2;make \xe2\x80\xae\x01 all\a'; echo done-$((1+1))" + "\n")
    shows(window, "done-2")
    expect(window).to_have_title("make all · Wing flow")
    write(window, r"printf '\e]2;\a'; echo done-$((1+2))" + "\n")
    shows(window, "done-3")
    expect(window).to_have_title("head · Wing flow")


def test_only_web_addresses_are_links_and_only_with_a_key(window: Page) -> None:
    connected(window)
    run(window, r"printf '\e]8;;javascript:alert(1)\e\\trap-%s\e]8;;\e\\ \n' $((1+1))", "trap-2")
    run(window, "clear; echo http://127.0.0.1:1/page-$((1+1))", "http://127.0.0.1:1/page-2")
    at: Position = {"x": 60, "y": 8}
    screen = window.locator(".xterm-screen")
    screen.hover(position=at)
    expect(window.locator(".hn-link")).to_contain_text("Ctrl+click opens")
    expect(window.locator(".hn-link a")).to_have_attribute("href", "http://127.0.0.1:1/page-2")
    screen.click(position=at)
    assert len(window.context.pages) == 1
    with window.context.expect_page() as opened:
        screen.click(position=at, modifiers=["Control"])
    opened.value.close()


def test_a_bell_is_seen(window: Page) -> None:
    connected(window)
    window.evaluate(f"{FRONT}.addEventListener('headnode:bell', () => document.body.dataset.rang = 'yes')")
    write(window, r"printf '\a'" + "\n")
    expect(window.locator("body")).to_have_attribute("data-rang", "yes")


def test_the_end_is_a_sentence_and_a_new_shell_is_one_click(window: Page) -> None:
    connected(window)
    write(window, "exit 3\n")
    expect(window.get_by_role("alert")).to_contain_text("The shell ended with exit status 3.")
    state(window, "ended")
    picture(window, "terminal-ended")
    window.get_by_role("button", name="Open a new shell").click()
    state(window, "open")
    run(window, "echo again-$((1+1))", "again-2")
    assert "exit 3" in text(window), "what the shell before said stays above"
