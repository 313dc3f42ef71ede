"""What a test sees of the terminal in front, and how it waits for it."""

import os

from playwright.sync_api import Page, expect

from tests.waiting import LIMIT, wait_for

FRONT = 'document.querySelector("headnode-terminal:not([hidden])")'
# Joined as it was printed: a line that the screen wrapped is one line.
TEXT = f"""(() => {{
  const terminal = {FRONT}?.terminal;
  if (!terminal) return "";
  const buffer = terminal.buffer.active;
  let text = "";
  for (let row = 0; row < buffer.length; row += 1) {{
    const line = buffer.getLine(row);
    const wraps = buffer.getLine(row + 1)?.isWrapped;
    text += line.translateToString(!wraps) + (wraps ? "" : "\\n");
  }}
  return text;
}})()"""


def until(page: Page, expression: str, limit: float = LIMIT) -> None:
    """Wait for a script's truth. Not `wait_for_function`: the page's own policy forbids it to evaluate strings."""
    wait_for(lambda: page.evaluate(expression), expression, limit=limit)


def text(page: Page) -> str:
    """All that the terminal in front shows and kept."""
    shown: str = page.evaluate(TEXT)
    return shown


def shows(page: Page, part: str, limit: float = LIMIT) -> None:
    """Wait until the terminal in front shows this."""
    wait_for(lambda: part in text(page), f"{part!r} is on the screen", limit=limit)


def state(page: Page, word: str, limit: float = LIMIT) -> None:
    """Wait until the terminal in front is in this state."""
    front = page.locator("headnode-terminal:not([hidden])")
    expect(front).to_have_attribute("data-state", word, timeout=limit * 1000)


def connected(page: Page) -> None:
    """Wait for the prompt."""
    state(page, "open")
    shows(page, "node$")


def write(page: Page, typed: str) -> None:
    """Type when the cursor is in the terminal; what is typed before goes nowhere."""
    expect(page.locator("headnode-terminal:not([hidden]) .xterm-helper-textarea")).to_be_focused()
    page.keyboard.type(typed)


def run(page: Page, command: str, answer: str, limit: float = LIMIT) -> None:
    """Type a command and wait for what it says: typed when the line stands and the cursor is in the terminal."""
    state(page, "open")
    write(page, command + "\n")
    shows(page, answer, limit)


def picture(page: Page, name: str) -> None:
    """Screenshots to look at, where SCREENSHOT_FOLDER names a folder."""
    if folder := os.environ.get("SCREENSHOT_FOLDER"):
        page.screenshot(path=f"{folder}/{name}.png")
