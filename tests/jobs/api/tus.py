"""Speak tus to a running portal over real HTTP, as bytes on a socket where a test cuts the line."""

import base64
import http.client
import json
import socket
from collections.abc import Iterable
from typing import Any

OFFSET_TYPE = "application/offset+octet-stream"
URL = "/api/v2/uploads/"


def metadata(**values: bytes | str) -> str:
    """Return Upload-Metadata."""
    pairs = [(key, value.encode() if isinstance(value, str) else value) for key, value in values.items()]
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs)


class Tus:
    """A client of one person's."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.port = port
        self.headers = {"Tus-Resumable": "1.0.0", **headers}

    def send(self, method: str, path: str, body: bytes | Iterable[bytes] = b"", **headers: str) -> Any:
        """Send a request; `upload_offset="3"` is the header Upload-Offset. Return the response, with `.text`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(
                method, path, body or None, self.headers | named, encode_chunked=not isinstance(body, bytes)
            )
            answer: Any = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            connection.close()

    def create(self, length: int, name: bytes | str = "case.dat", **headers: str) -> str:
        """Begin an upload, and return its path."""
        headers = {"upload_metadata": metadata(filename=name)} | headers
        answer = self.send("POST", URL, upload_length=str(length), **headers)  # type: ignore[arg-type]
        assert answer.status == 201, answer.text
        return str(answer.getheader("Location"))

    def patch(self, path: str, offset: int, body: bytes | Iterable[bytes], **headers: str) -> Any:
        """Append to an upload."""
        extra = {} if isinstance(body, bytes) else {"transfer_encoding": "chunked"}
        fixed = {"content_type": OFFSET_TYPE, "upload_offset": str(offset)}
        return self.send("PATCH", path, body, **(fixed | extra | headers))

    def offset(self, path: str) -> int:
        """Return from where on the upload continues."""
        answer = self.send("HEAD", path)
        assert answer.status == 200, answer.status
        return int(answer.getheader("Upload-Offset"))

    def begin_patch(
        self, path: str, offset: int, declared: int, body: bytes, **headers: str
    ) -> socket.socket:
        """Send the head of a PATCH and some of its body, and return the open connection."""
        lines = [f"PATCH {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        fixed = {"Content-Type": OFFSET_TYPE, "Upload-Offset": str(offset), "Content-Length": str(declared)}
        lines += [f"{name}: {value}" for name, value in (self.headers | fixed | headers).items()]
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return connection


def reason(answer: Any) -> tuple[int, str]:
    """Return the status and the reason word of a refusal."""
    return answer.status, json.loads(answer.text)["reason"]
