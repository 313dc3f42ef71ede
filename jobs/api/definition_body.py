"""Read a cluster definition from the body of a request: as TOML text, in JSON, or in a form."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from jobs.definitions import toml_text
from jobs.definitions.launching import DefinitionRefused
from jobs.definitions.problems import DefinitionInvalid

HOW_TO_SEND = (
    "Send the definition as text/plain or application/toml, or as JSON with the text in `definition`."
)


class PlainTextParser(BaseParser):
    """A body that is the text of the definition."""

    media_type = "text/plain"

    def parse(  # type: ignore[override]  # the stubs allow only mappings
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the bytes, at most one more than a definition may have, so that a longer one is noticed."""
        return bytes(stream.read(toml_text.MAX_DEFINITION_BYTES + 1))


class TOMLParser(PlainTextParser):
    """The same, sent as TOML."""

    media_type = "application/toml"


def definition_of(request: Request) -> str:
    """Return the text that was sent. Raises DefinitionRefused or ValidationError."""
    sent: Any = request.data
    if isinstance(sent, Mapping):
        sent = sent.get("definition")
        if hasattr(sent, "read"):
            sent = sent.read(toml_text.MAX_DEFINITION_BYTES + 1)
    if isinstance(sent, bytes):
        try:
            return toml_text.decode(sent)
        except DefinitionInvalid as invalid:
            raise DefinitionRefused(invalid.problems) from None
    if not isinstance(sent, str):
        raise serializers.ValidationError({"definition": [HOW_TO_SEND]})
    return sent


def is_check(request: Request) -> bool:
    """Whether `check` is set. Raises ValidationError for other values: a typing error must not launch a cluster."""
    value = request.query_params.get("check", "false").lower()
    if value not in ("true", "1", "false", "0"):
        raise serializers.ValidationError({"check": ["Send check=true, or leave it out."]})
    return value in ("true", "1")
