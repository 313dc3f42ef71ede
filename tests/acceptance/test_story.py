"""The whole story: key, job, log, ssh, browser terminal, files, rules, terminate."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.people import sign_in, with_token
from tests.stack import Stack
from tests.waiting import LIMIT, wait_for, wait_for_end

pytestmark = [pytest.mark.acceptance, pytest.mark.browser]

LINE = re.compile(
    r"^Instance ready for ssh access\. Command: ssh -i </path/to/key> (uprod_\w{6})@([0-9.]+); port: (\d+); "
    r"working directory: (/enc/\1/work)$",
    re.MULTILINE,
)


def terminal_text(page: Page) -> str:
    """Everything the terminal shows, read from its own buffer."""
    text: str = page.evaluate(
        """() => {
            const buffer = document.querySelector("headnode-terminal").terminal.buffer.active;
            return Array.from({length: buffer.length}, (_, i) => buffer.getLine(i).translateToString(true)).join("\\n");
        }"""
    )
    return text


def test_the_main_story(
    stack: Stack,
    browser_page: Callable[..., Page],
    make_key: Callable[..., Path],
    tmp_path: Path,
) -> None:
    page = browser_page(viewport={"width": 1280, "height": 900})
    key = make_key("ed25519", comment="alice@laptop")
    sign_in(page, stack)

    # Job Settings: the public key, and the address one comes from.
    page.goto(stack.base_url + "settings/job/")
    page.get_by_label("Public key", exact=True).fill(Path(f"{key}.pub").read_text())
    page.get_by_role("button", name="Save key").click()
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True).stdout
    expect(page.locator("#keys")).to_contain_text(shown.split()[1])
    page.get_by_role("button", name="Add my address").click()
    expect(page.locator("#access")).to_contain_text("127.0.0.1/32")

    # A job on two nodes that waits until it is told to go on.
    page.goto(stack.base_url + "jobs/new/")
    page.get_by_label("Name").fill("Wing, coarse mesh")
    command = "hostname; echo started; while [ ! -e go ]; do sleep 0.2; done; echo 'drag 0.0123' > forces.dat"
    page.get_by_label("Command").fill(command)
    page.get_by_label("Nodes (slots)").fill("2")
    page.get_by_role("button", name="Save and submit").click()
    page.wait_for_url(re.compile(r"/jobs/\w{6}/$"))
    job = page.url.rstrip("/").rpartition("/")[2]

    # The connection line in the live log, and what the button copies.
    expect(page.locator("#job-log, #log, [id*=log]").first).to_contain_text("Instance ready for ssh access")
    person = with_token(stack)
    found = LINE.search(person.messages(job))
    assert found is not None
    username, address, port, work = found.groups()
    assert username == f"uprod_{job}"
    page.locator("#copy-ssh:enabled").click()
    copied = wait_for(
        lambda: page.evaluate("navigator.clipboard.readText()"), "the command is on the clipboard"
    )
    assert copied == f"ssh -p {port} {username}@{address}"

    # A shell runs what was copied.
    person.wait_for_message(job, "started")
    ssh = person.ssh_config(job, key, tmp_path)
    answer = ssh.shell(f"{copied} 'hostname; cd work; pwd; cat ~/work/process_output.log'")
    assert answer.returncode == 0, answer.stderr
    hostname, directory, *log = answer.stdout.splitlines()
    assert hostname == "ip-" + address.replace(".", "-")
    assert directory == work
    assert log[0].endswith("Process output follows:")
    assert any(line.endswith("]: started") for line in log)
    assert ssh.shell(f"{copied} pwd").stdout.strip() == f"/enc/{username}"

    # Files both ways, by sftp and by scp.
    (tmp_path / "in.dat").write_text("x" * 100_000)
    sftp = ["sftp", "-q", "-F", str(ssh.config), "-P", port, "-b", "-", ssh.where]
    batch = f"put {tmp_path}/in.dat work/shared/\nget work/process_output.log {tmp_path}/out.log\n"
    done = subprocess.run(sftp, input=batch, capture_output=True, text=True, timeout=4 * LIMIT)
    assert done.returncode == 0, done.stderr
    assert "started" in (tmp_path / "out.log").read_text()
    for flags in ([], ["-O"]):
        scp = ["scp", "-q", *flags, "-F", str(ssh.config), "-P", port]
        there, back = f"{ssh.where}:work/shared/by-scp.dat", tmp_path / "back.dat"
        assert subprocess.run([*scp, str(tmp_path / "in.dat"), there], timeout=4 * LIMIT).returncode == 0
        assert subprocess.run([*scp, there, str(back)], timeout=4 * LIMIT).returncode == 0
        assert back.read_text() == "x" * 100_000
        back.unlink()

    # The browser terminal.
    page.locator("#open-head").click()
    expect(page.locator("headnode-terminal")).to_be_visible()
    wait_for(lambda: f"{username}@" in terminal_text(page), "the prompt shows")
    page.locator("headnode-terminal .xterm-helper-textarea").press_sequentially("echo $((6*7))\n")
    wait_for(lambda: re.search(r"^42$", terminal_text(page), re.MULTILINE), "42 shows")

    # Rules: another address is let in, then is not.
    _, rule = person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.7", "note": "other"})
    wait_for(lambda: ssh.run("true", "-b", "127.0.0.7").returncode == 0, "127.0.0.7 is let in")
    person.call("DELETE", f"/api/v2/users/me/access-rules/{rule['id']}/")

    def refused() -> bool:
        tried = ssh.run("true", "-b", "127.0.0.7", "-o", "LogLevel=INFO")
        return tried.returncode == 255 and "Your address 127.0.0.7 is in no access rule" in tried.stderr

    wait_for(refused, "127.0.0.7 is refused, and told why")
    assert ssh("echo still in").strip() == "still in"

    # Terminate, with an ssh session open: it gets the shutdown message and ends.
    session = subprocess.Popen(
        ["ssh", "-tt", "-F", str(ssh.config), "-p", port, ssh.where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert session.stdin is not None
    assert session.stdout is not None
    session.stdin.write("echo inside-$((1+1))\n")
    session.stdin.flush()
    heard = ""
    while "inside-2" not in heard:
        heard += session.stdout.readline() or pytest.fail(f"ssh ended: {heard}")
    page.locator("#terminate-button").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    # Each step has a limit of its own: the command may take 90 s to end, a node 20 s to shut down. The head goes last.
    person.wait_for_message(job, "Stopping job (User terminated)")
    person.wait_for_message(job, "The command ended", limit=2 * LIMIT)
    person.wait_for_message(job, "1 compute node is shut down", limit=2 * LIMIT)
    person.wait_for_message(job, "Job completed", limit=2 * LIMIT)
    rest = wait_for_end(session, "the head node's shutdown ends the open ssh", limit=2 * LIMIT)
    assert "going down" in rest
    assert session.returncode != 0

    # The end, told without holes.
    person.wait_for_cluster(job, "Stopped")
    story = person.messages(job)
    for part in [
        "Job submitted by admin.",
        "head phoned home",
        "compute-1 phoned home",
        "Logged in to 2 nodes",
        "started",
        "Stopping job (User terminated)...",
        "1 compute node is shut down",
        "Job completed: User Terminated.",
        "nothing runs or costs any more",
    ]:
        assert part in story, part
    statuses = [row["status"] for row in person.get(f"/api/v2/jobs/{job}/statuses/")["results"]]
    assert statuses == [
        "Completed",
        "Stopping",
        "Executing",
        "Validated",
        "Started",
        "Queued",
        "Pending",
    ]
    expect(page.locator("#job-header")).to_contain_text("Stopped")
    files = {file["relativePath"] for file in person.get(f"/api/v2/jobs/{job}/files/")["results"]}
    assert {"process_output.log", "in.dat", "by-scp.dat"} <= files
