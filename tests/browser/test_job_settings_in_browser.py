"""Job Settings in a browser: a private key never leaves it, files may be dropped, sections follow without a reload."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts import services
from accounts.models import User
from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser
MakeKey = Callable[..., Path]
DROP = """([text, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  document.querySelector("#public-key").dispatchEvent(
    new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def sent() -> list[str]:
    """The body of everything the page posts."""
    return []


@pytest.fixture
def page(sign_in: SignIn, alice: User, sent: list[str]) -> Page:
    page = sign_in(alice)
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.goto("/settings/job/")
    return page


def test_a_pasted_key_appears_without_a_reload(page: Page, alice: User, make_key: MakeKey) -> None:
    page.evaluate("window.same = true")
    page.get_by_label("Name", exact=False).first.fill("Laptop")
    page.get_by_label("Public key", exact=True).fill(make_key().with_suffix(".pub").read_text())
    page.get_by_role("button", name="Save key").click()
    expect(page.locator("#keys")).to_contain_text("Saved “Laptop”")
    expect(page.locator("#keys .fingerprint")).to_have_text(alice.ssh_keys.get().fingerprint)
    assert page.evaluate("window.same")
    expect(page.get_by_label("Public key", exact=True)).to_have_value("")


@pytest.mark.parametrize("way", ["paste", "drop", "choose"])
@pytest.mark.parametrize("form", ["OpenSSH", "PEM", "PKCS8", "body only"])
def test_a_private_key_is_taken_out_and_never_sent(
    page: Page, make_key: MakeKey, sent: list[str], tmp_path: Path, way: str, form: str
) -> None:
    private = make_key("rsa", 2048).read_text()
    if form in ("PEM", "PKCS8"):
        private = rewritten(make_key("rsa", 2048, name=form), form)
    if form == "body only":
        private = "\n".join(private.splitlines()[1:-1])
    field = page.get_by_label("Public key", exact=True)
    if way == "paste":
        field.fill(private)
    elif way == "drop":
        page.evaluate(DROP, [private, "id_rsa"])
    else:
        (tmp_path / "chosen").write_text(private)
        page.locator("[data-key-file]").set_input_files(tmp_path / "chosen")
    expect(page.locator("#public-key-error")).to_contain_text("This is a private key.")
    expect(field).to_have_value("")
    page.get_by_role("button", name="Save key").click()
    expect(page.locator("#public-key-error")).to_contain_text("There is no key here.")
    marker = private.splitlines()[3][:30]
    assert not any(marker in body for body in sent)


def rewritten(path: Path, form: str) -> str:
    command = ["ssh-keygen", "-q", "-p", "-m", form, "-N", "", "-P", "", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.read_text()


def test_a_private_key_that_got_into_the_field_unseen_is_stopped_at_the_door(
    page: Page, make_key: MakeKey, sent: list[str]
) -> None:
    private = make_key().read_text()
    page.evaluate("text => { document.querySelector('#public-key').value = text; }", private)
    page.get_by_role("button", name="Save key").click()
    expect(page.locator("#public-key-error")).to_contain_text("This is a private key.")
    assert not any("public_key" in body for body in sent)


def test_a_dropped_public_key_fills_the_field(page: Page, make_key: MakeKey) -> None:
    line = make_key().with_suffix(".pub").read_text()
    page.evaluate(DROP, [line, "id_ed25519.pub"])
    expect(page.get_by_label("Public key", exact=True)).to_have_value(line)


def test_a_huge_file_is_not_sent(page: Page, sent: list[str], tmp_path: Path) -> None:
    (tmp_path / "huge.pub").write_bytes(b"A" * 10_000_000)
    page.locator("[data-key-file]").set_input_files(tmp_path / "huge.pub")
    expect(page.locator("#public-key-error")).to_contain_text("far longer than any public key")
    assert not any(sent)


def test_removing_asks_in_a_dialog_and_cancel_keeps_it(page: Page, alice: User, make_key: MakeKey) -> None:
    page.get_by_label("Public key", exact=True).fill(make_key().with_suffix(".pub").read_text())
    page.get_by_role("button", name="Save key").click()
    remove = page.get_by_role("button", name="Remove the key")
    remove.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Running clusters stop accepting it")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert alice.ssh_keys.count() == 1
    remove.click()
    dialog.get_by_role("button", name="Remove key").click()
    expect(page.locator("#keys")).to_contain_text("Add your first key")
    assert alice.ssh_keys.count() == 0


def test_one_click_adds_the_address_one_comes_from(page: Page, alice: User) -> None:
    page.get_by_role("button", name="Allow 127.0.0.1").click()
    expect(page.locator("#access")).to_contain_text("your address now")
    assert alice.access_rules.get().cidr == "127.0.0.1/32"


def test_the_checkbox_saves_at_once(page: Page, alice: User) -> None:
    page.get_by_label("Terminate clusters automatically").uncheck()
    expect(page.locator("#terminate")).to_contain_text("It costs until then.")
    alice.job_settings.refresh_from_db()
    assert not alice.job_settings.auto_terminate_cluster


def test_a_portal_that_does_not_answer_is_said(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_role("button", name="Allow everywhere").click()
    expect(page.locator("#request-failed")).to_contain_text("The portal did not answer.")


def test_who_was_signed_out_meanwhile_is_asked_to_sign_in_and_comes_back(page: Page, alice: User) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Allow everywhere").click()
    page.wait_for_url("**/accounts/login/?next=/settings/job/")
    assert not alice.access_rules.exists()


PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const field = document.querySelector(selector);
  field.focus();
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  if (field.dispatchEvent(paste)) {
    field.value = text.replaceAll("\\n", " ").slice(0, field.maxLength);
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}"""


@pytest.mark.parametrize("way", ["paste", "fill"])
def test_a_private_key_in_the_name_is_taken_out_and_never_sent(
    page: Page, make_key: MakeKey, sent: list[str], way: str
) -> None:
    private = make_key("rsa", 2048).read_text()
    name = page.locator("#key-name")
    if way == "paste":
        page.evaluate(PASTE, ["#key-name", private])
    else:
        name.fill(private.replace("\n", " ")[:100])
    expect(page.locator("#key-name-error")).to_contain_text("This looks like a private key.")
    expect(name).to_have_value("")
    page.get_by_label("Public key", exact=True).fill(make_key().with_suffix(".pub").read_text())
    page.evaluate("text => { document.querySelector('#key-name').value = text; }", private[:100])
    page.get_by_role("button", name="Save key").click()
    expect(name).to_be_focused()
    assert not any("PRIVATE" in body for body in sent), "not even when it got there unseen"
    page.get_by_role("button", name="Save key").click()
    expect(page.locator("#keys")).to_contain_text("Saved “")


def test_a_public_key_pasted_for_a_name_goes_to_its_own_field(page: Page, make_key: MakeKey) -> None:
    line = make_key("rsa", 4096).with_suffix(".pub").read_text()
    page.evaluate(PASTE, ["#key-name", line])
    expect(page.get_by_label("Public key", exact=True)).to_have_value(line.strip())
    expect(page.locator("#key-name")).to_have_value("")
    expect(page.locator("#key-name-error")).to_contain_text("It was moved to the field below.")
    page.get_by_role("button", name="Save key").click()
    expect(page.locator("#keys")).to_contain_text("Saved “")


def test_a_box_that_could_not_be_saved_shows_what_is_saved(page: Page, alice: User) -> None:
    box = page.get_by_label("Terminate clusters automatically")
    page.context.set_offline(True)
    box.click()
    expect(page.locator("#request-failed")).to_contain_text("The portal did not answer.")
    expect(box).to_be_checked()
    page.context.set_offline(False)
    page.context.clear_cookies()  # the token of the form, too
    box.click()
    expect(page.locator("#request-failed, #sign-in-error, h1").first).to_be_visible()
    page.goto("about:blank")
    assert services.job_settings(User.objects.get(pk=alice.pk)).auto_terminate_cluster


def test_a_window_that_was_out_of_sight_shows_what_another_one_saved(
    page: Page, alice: User, make_key: MakeKey
) -> None:
    page.get_by_label("Note").fill("half written")
    other = page.context.new_page()
    other.goto("/settings/job/")
    other.get_by_label("Terminate clusters automatically").uncheck()
    expect(other.locator("#terminate")).to_contain_text("It costs until then.")
    other.get_by_label("Public key", exact=True).fill(make_key().with_suffix(".pub").read_text())
    other.get_by_role("button", name="Save key").click()
    expect(other.locator("#keys .fingerprint")).to_have_count(1)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.get_by_label("Terminate clusters automatically")).not_to_be_checked()
    expect(page.locator("#keys .fingerprint")).to_have_count(1)
    expect(page.get_by_label("Note")).to_have_value("half written")

    # A key that the other window removes meanwhile: a true sentence, and the list as it is.
    alice.ssh_keys.all().delete()
    page.get_by_role("button", name="Remove the key").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove key").click()
    expect(page.locator("#keys")).to_contain_text("is no longer in your list")
    expect(page.locator("#keys .fingerprint")).to_have_count(0)


def test_going_back_shows_what_is_saved(page: Page, alice: User) -> None:
    box = page.get_by_label("Terminate clusters automatically")
    page.evaluate("document.querySelector('#auto-terminate').checked = false")  # changed, never sent
    page.goto("/settings/tokens/")
    page.go_back()
    expect(box).to_be_checked()
