"""The plain OpenSSH server all terminals are measured against, and a shell that looks the same everywhere."""

import getpass
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.stack import free_port
from tests.waiting import wait_for

ADDRESS = "127.0.0.1"
PROMPT = b"bench$ "
FLOOD_FILE_MB = 64
LINE = b"The quick brown fox jumps over the lazy dog; 0123456789 and some more to fill the line up to a hundred.\n"


@dataclass
class SSHServer:
    """A running sshd: takes `key`, and certificates of the `authorities` it was told of."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def key(self) -> Path:
        return self.folder / "user"

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def flood_file(self) -> Path:
        """64 MB of text."""
        return self.folder / "flood.txt"

    @property
    def flood_size(self) -> int:
        """How many bytes a terminal prints for it: each line's end becomes two bytes."""
        size = self.flood_file.stat().st_size
        return size + size // len(LINE)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def start(folder: Path, authorities: str = "") -> SSHServer:
    """An sshd on a free port of loopback, with its defaults wherever they do not keep a benchmark out."""
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "host"], check=True
    )
    # PEM: webssh reads nothing newer.
    pem = [
        "ssh-keygen",
        "-q",
        "-t",
        "rsa",
        "-b",
        "2048",
        "-m",
        "PEM",
        "-N",
        "",
        "-C",
        "",
        "-f",
        str(folder / "user"),
    ]
    subprocess.run(pem, check=True)
    (folder / "authorized_keys").write_text((folder / "user.pub").read_text())
    (folder / "authorities").write_text(authorities)
    (folder / "flood.txt").write_bytes(LINE * (FLOOD_FILE_MB * 1024 * 1024 // len(LINE)))
    port = free_port()
    shell = 'exec env PS1="bench$ " HISTFILE= bash --norc --noprofile -i'
    lines = [
        f"Port {port}",
        f"ListenAddress {ADDRESS}",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        f"TrustedUserCAKeys {folder}/authorities",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "UsePAM no",
        "StrictModes no",
        "UseDNS no",
        "PidFile none",
        "MaxStartups 1000",
        f"SetEnv HOME={folder}",
        f"ForceCommand {shell}",
    ]
    (folder / "sshd.log").touch()
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "sshd.log")],
        stdin=subprocess.DEVNULL,
    )
    server = SSHServer(process, folder, port)
    server.known_hosts.write_text(f"[{ADDRESS}]:{port} {server.host_key}\n")
    wait_for(lambda: "Server listening" in (folder / "sshd.log").read_text(), "sshd listens")
    return server
