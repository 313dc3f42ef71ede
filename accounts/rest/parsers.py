"""Parse JSON bodies with limits on size and depth, as UTF-8 whatever the header says."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from accounts.rest.exceptions import TooLarge

# The API's own documents have at most five levels.
DEEPEST = 40


class JSONParser(BaseParser):
    """Replace REST framework's parser, which has no size limit and fails with RecursionError on deep nesting."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document. Raises TooLarge (413) or ParseError (400)."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The request is too large: at most {limit // 1024} kB of JSON are read.")
        try:
            document = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except (ValueError, RecursionError) as error:
            position = (
                f" (line {error.lineno}, column {error.colno})"
                if isinstance(error, json.JSONDecodeError)
                else ""
            )
            raise ParseError(f"The body is not JSON that can be read{position}.") from None
        _check(document)
        return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(document: Any) -> None:
    """Raise ParseError for a document that later code could fail on. Not recursive, because of the depth it checks."""
    level = [document]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ParseError(f"The body is nested more than {DEEPEST} levels deep.")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return ()
    # Fields check the values. Names must be checked here: an error may repeat them, so they must be valid text.
    if any("\ud800" <= character <= "\udfff" for name in value for character in name):
        raise ParseError("A name in the body holds half of a surrogate pair, which is not text.")
    return value.values()
