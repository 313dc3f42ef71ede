"""Turn what the portal answered into an error with a sentence. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import CLIError, Failed, NotSignedIn, NotThere, Refused

LONGEST_SENTENCE = 2000


def error_of(url: str, status: int, text: str, headers: Mapping[str, str]) -> CLIError:
    """Return the error for an answer of the portal at `url` that is not 2xx."""
    body = _json(text)
    reason = str(body.get("reason", "")) if isinstance(body, dict) else ""
    sentence = " ".join(sentences(body))[:LONGEST_SENTENCE]
    if status == 401:
        why = "Your sign-in has expired." if reason == "token_expired" else "You are not signed in."
        return NotSignedIn(f"{why} Run: headnode login {url}", reason)
    if status == 404:
        return NotThere(
            sentence if reason and reason != "not_found" else "It is not there, or not yours.", reason
        )
    if status == 429:
        wait = headers.get("retry-after", "")
        when = f" Try again in {wait} s." if wait.isdigit() else ""
        return Refused(f"Too many requests.{when}", reason or "throttled")
    if 300 <= status < 400:
        return CLIError(
            f"The portal sent us elsewhere: {headers.get('location', '')!r}. Sign in with that address."
        )
    if status >= 500:
        return Failed(
            f"The portal failed (status {status}). Try again; if it stays, tell its administrator.", reason
        )
    return Refused(sentence or f"The portal refused this (status {status}).", reason)


def sentences(body: Any, path: str = "") -> Iterator[str]:
    """Yield the sentences of an error body, each with the field it is about."""
    if isinstance(body, str):
        yield f"{path}: {body}" if path else body
    elif isinstance(body, list):
        for number, entry in enumerate(body):
            yield from sentences(
                entry, path if isinstance(entry, str) or len(body) == 1 else f"{path}[{number}]"
            )
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in ("reason", "state", "clusterState", "problems"):
                continue
            inside = (
                path if name in ("detail", "nonFieldErrors", "definition") else f"{path}.{name}".lstrip(".")
            )
            yield from sentences(value, inside)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None  # a page of some proxy: not worth showing
