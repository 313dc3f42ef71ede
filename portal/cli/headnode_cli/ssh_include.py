"""The one line of ours in a person's own ssh configuration. Pure: text in, text out.

It stands at the top: below a `Host` line it would hold for that host only.
"""

from __future__ import annotations

LINE = "Include headnode/*.conf"
REMARK = "# Clusters of Headnode (headnode config-ssh)"


def with_include(text: str) -> str:
    """Return the configuration with our line. One that has it already, before any Host or Match, stays as it is."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] and words[0].lower() in ("host", "match"):
            break
        if line.strip() == LINE:
            return text
    rest = without_include(text)
    return f"{REMARK}\n{LINE}\n{chr(10) + rest if rest else ''}"


def without_include(text: str) -> str:
    """Return the configuration without our line; every other line as it was."""
    lines = text.splitlines(keepends=True)
    kept: list[str] = []
    index = 0
    while index < len(lines):
        stripped = lines[index].strip()
        following = lines[index + 1].strip() if index + 1 < len(lines) else ""
        if stripped == LINE or (stripped == REMARK and following == LINE):
            index += 2 if stripped == REMARK else 1
            # The empty line that was put behind ours, but no other.
            if not kept and index < len(lines) and not lines[index].strip():
                index += 1
            continue
        kept.append(lines[index])
        index += 1
    return "".join(kept)
