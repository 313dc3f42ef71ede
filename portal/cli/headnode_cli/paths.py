"""Where this computer keeps the command line's files."""

from __future__ import annotations

import os
from pathlib import Path


def config_folder(environment: dict[str, str] | None = None, system: str = os.name) -> Path:
    """Return the folder of settings: `~/.config/headnode`, also on macOS; on Windows below %APPDATA%."""
    known = dict(os.environ) if environment is None else environment
    if system == "nt":
        import platformdirs

        return Path(platformdirs.user_config_dir("headnode", appauthor=False, roaming=True))
    root = known.get("XDG_CONFIG_HOME", "")
    return (Path(root) if os.path.isabs(root) else Path.home() / ".config") / "headnode"


def config_file() -> Path:
    """Return the file of settings."""
    return config_folder() / "config.toml"


def state_folder() -> Path:
    """Return the folder of what may be lost: the last job, the report of a fault, downloaded host keys."""
    import platformdirs

    return Path(platformdirs.user_state_dir("headnode", appauthor=False))


def ssh_folder() -> Path:
    """Return the folder of OpenSSH's settings, the same on every system."""
    return Path.home() / ".ssh"
