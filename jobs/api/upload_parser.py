"""Parse an uploaded form so that the file's name arrives as it was sent.

Django's own parser takes names for HTML and drops what cannot be printed: `mesh&notes.txt` becomes `mesh¬es.txt`, and
blanks that are wide or do not break are gone.
"""

import re
from typing import IO, Any
from urllib.parse import unquote

from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser

# What browsers escape in a name, and nothing else (WHATWG, multipart form data).
ESCAPED_BY_BROWSERS = re.compile("%(22|0D|0A)", re.IGNORECASE)


class _NameKeepingParser(DjangoMultiPartParser):
    """Gives each file a number for a name, and keeps the names."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.names: dict[str, str] = {}

    def sanitize_file_name(self, file_name: str) -> str:
        """Keep the name. A path before it is not part of it."""
        number = str(len(self.names))
        self.names[number] = ESCAPED_BY_BROWSERS.sub(lambda found: unquote(found[0]), file_name)
        return number


class UploadParser(MultiPartParser):
    """Parses a form; `exact_name` of each file is its name as it was sent."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        """Return the fields and files."""
        request = parser_context["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type}
        encoding = parser_context.get("encoding") or "utf-8"
        try:
            parser = _NameKeepingParser(meta, stream, request.upload_handlers, encoding)
            data, files = parser.parse()
        except MultiPartParserError as error:
            raise ParseError(f"Multipart form parse error - {error}") from error
        for _, found in files.lists():
            for file in found:
                file.exact_name = parser.names[file.name].rpartition("/")[2]
        return DataAndFiles(data, files)
