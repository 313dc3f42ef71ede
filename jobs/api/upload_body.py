"""How a view is given the body of an upload: by `portal.upload_stream` while it arrives, or as Django has stored it.

A view checks the request and opens an `UploadWriter`. If the server streams bodies, the writer is handed over, and the
view's response is only sent once the body has arrived; `headers_of` and a refusal of the writer then change it.
"""

from rest_framework.request import Request

from jobs.models import Upload
from jobs.storage import uploads
from jobs.storage.upload_writer import UploadWriter

# Where the scope of an ASGI request has its hand-over.
SCOPE_KEY = "headnode.upload"
CHUNK = 1024 * 1024


class HandOver:
    """Takes the writer of a request whose body is streamed."""

    writer: UploadWriter | None = None


def take_body(request: Request, writer: UploadWriter) -> None:
    """Hand the writer over, or write the body with it and close it. Raises Refused."""
    scope = getattr(request._request, "scope", {})
    hand_over: HandOver | None = scope.get(SCOPE_KEY)
    if hand_over is not None:
        hand_over.writer = writer
        return
    try:
        while data := request._request.read(CHUNK):
            writer.write(data)
        writer.finish()
    finally:
        writer.close()


def headers_of(upload: Upload) -> dict[str, str]:
    """Return the headers that tell how far an upload has come, and of which file its id is, once it is complete."""
    headers = {"Upload-Offset": str(uploads.offset_of(upload))}
    if upload.completed_at is None:
        headers["Upload-Expires"] = upload.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    elif upload.file_id is not None:
        headers["Upload-File-Id"] = upload.file_id
    return headers
