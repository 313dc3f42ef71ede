"""Talk to the portal: time-outs, retries where they are safe, proxies and certificates, errors as sentences."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any, Callable
from urllib.parse import quote, urlsplit

import httpx

from . import __version__
from .errors import CLIError, Unreachable
from .replies import error_of

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
UPLOAD_TIMEOUT = httpx.Timeout(300.0, connect=CONNECT_SECONDS)  # of each step, not of the whole
TRIES = 4
LONGEST_WAIT = 30.0
# A request that never left may be sent again, whatever it asks for.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
BUSY, GATEWAY_TROUBLE = (429, 503), (502, 504)
SAFE = ("GET", "HEAD", "OPTIONS")
# Servers close a connection that idles for some seconds: one that is about to be closed is not used again.
LIMITS = httpx.Limits(keepalive_expiry=2.0)


class Portal:
    """A portal's REST API, with a token. Paths are below /api/v2/ unless they begin with a slash."""

    def __init__(
        self, url: str, token: str = "", ca_file: str = "", tries: int = TRIES, seconds: float = READ_SECONDS
    ) -> None:
        self.url = url
        self.tries = tries
        self.version = ""  # as the last answer said
        headers = {"User-Agent": f"headnode-cli/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Token {token}"
        timeout = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        self._http = _http_client(headers, timeout, _verify(url, ca_file))

    def address(self, path: str) -> str:
        """Return the whole address of a path."""
        return self.url + (path if path.startswith("/") else f"/api/v2/{path}")

    def request(self, method: str, path: str, *, repeatable: bool = False, **options: Any) -> httpx.Response:
        """Send a request, again where that is safe. Return the answer if it is 2xx; raises CLIError otherwise.

        Reading is safe. So is what the portal promises to do once however often it is asked (`repeatable`).
        """
        last = self.tries - 1
        is_safe = repeatable or method in SAFE
        for number in range(self.tries):
            try:
                response = self._http.request(method, self.address(path), **options)
            except httpx.RequestError as error:
                if number == last or not (is_safe or isinstance(error, NEVER_SENT)):
                    raise self._unreachable(error) from None
                pause(number)
                continue
            except httpx.InvalidURL as error:
                raise CLIError(f"{self.url} is no address of a portal: {error}.") from None
            self.version = response.headers.get("headnode-version", self.version)
            again = response.status_code in BUSY or (
                method in SAFE and response.status_code in GATEWAY_TROUBLE
            )
            if again and number < last and (wait := _wait_asked(response, number)) <= LONGEST_WAIT:
                time.sleep(wait)
                continue
            if not response.is_success:
                raise error_of(self.url, response.status_code, response.text, response.headers)
            return response
        raise AssertionError("unreachable: the last try returns or raises")

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at a path."""
        return self._json(self.request("GET", path, params=_given(params)))

    def text(self, path: str, **params: Any) -> str:
        """Return the text at a path."""
        return self.request("GET", path, params=_given(params), headers={"Accept": "*/*"}).text

    def post(self, path: str, body: Any = None, *, repeatable: bool = False) -> Any:
        """POST JSON. Return the JSON of the answer; None if it is empty."""
        return self._json(self.request("POST", path, json=body, repeatable=repeatable))

    def upload(self, name: str, file: Any) -> Any:
        """Upload a file for jobs. Return what the portal says of it. Its name arrives as it is, byte for byte."""
        content = {"file": ("file", file, "application/octet-stream")}
        fields = {"encodedName": quote(os.fsencode(name), safe="")}
        sent = self.request("POST", "files/contents/", files=content, data=fields, timeout=UPLOAD_TIMEOUT)
        return self._json(sent)

    def send_part(self, path: str, pieces: Iterator[bytes], headers: dict[str, str]) -> None:
        """Append bytes to an upload. Sent once: the caller asks how far it came before it sends again."""
        headers = {**headers, "Content-Type": "application/offset+octet-stream"}
        try:
            response = self._http.request(
                "PATCH", self.address(path), content=pieces, headers=headers, timeout=UPLOAD_TIMEOUT
            )
        except httpx.RequestError as error:
            raise self._unreachable(error) from None
        if not response.is_success:
            raise error_of(self.url, response.status_code, response.text, response.headers)

    def wait(self, number: int) -> None:
        """Wait before the next try."""
        pause(number)

    def post_text(self, path: str, text: str, content_type: str, **params: Any) -> Any:
        """POST a text as it is. Return the JSON of the answer."""
        headers = {"Content-Type": content_type}
        sent = self.request("POST", path, params=_given(params), content=text.encode(), headers=headers)
        return self._json(sent)

    def delete(self, path: str) -> None:
        """DELETE a path."""
        self.request("DELETE", path)

    def pages(self, path: str, limit: int | None = None, **params: Any) -> Iterator[Any]:
        """Yield the rows of a list, page by page."""
        size = min(limit or 200, 200)
        number, found = 1, 0
        while True:
            page = self.get(path, page=number, page_size=size, **params)
            for row in page["results"]:
                yield row
                found += 1
                if limit is not None and found >= limit:
                    return
            if not page.get("next") or not page["results"]:
                return
            number += 1

    def stream(self, path: str, write: Callable[[bytes], Any], start: int = 0) -> None:
        """Write the bytes at a path, from an offset on. Raises CLIError; the caller may go on from what it has."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}  # offsets count the file's own bytes
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with self._http.stream("GET", self.address(path), headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(self.url, response.status_code, response.text, response.headers)
                if start and response.status_code != 206:
                    raise CLIError("The portal cannot continue this file from the middle.")
                for piece in response.iter_bytes():
                    write(piece)
        except httpx.RequestError as error:
            raise self._unreachable(error) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _json(self, response: httpx.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
            raise CLIError(
                f"{self.url} did not answer as a Headnode portal does. Is the address right?"
            ) from None

    def _unreachable(self, error: httpx.RequestError) -> Unreachable:
        return Unreachable(f"{self.url} cannot be reached: {explained(error)}")


def _http_client(headers: dict[str, str], timeout: httpx.Timeout, verify: Any) -> httpx.Client:
    try:
        return httpx.Client(headers=headers, timeout=timeout, verify=verify, limits=LIMITS)
    except (ValueError, ImportError, httpx.InvalidURL):
        # The text of the error has the proxy's address, which may hold a password.
        raise CLIError(
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is no proxy that can be used here. Write it as http://host:port."
        ) from None


def explained(error: httpx.RequestError) -> str:
    """Return why the portal could not be reached, as the end of a sentence."""
    text = str(error)
    if isinstance(error, httpx.ProxyError):
        return f"the proxy did not let us through ({text})."
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return (
            "its certificate is not trusted here. If your organisation has an authority of its own, name its file: "
            "HEADNODE_CA_FILE=/path/to/ca.pem"
        )
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time."
    if isinstance(error, httpx.ConnectError):
        known = {"Name or service not known": "its name is not known.", "refused": "nothing listens there."}
        return next((said for part, said in known.items() if part in text), f"{text or 'no connection'}.")
    return f"the connection broke ({text or type(error).__name__})."


def pause(number: int) -> None:
    """Wait before the next try: 0.3 s, then longer, never in step with other programs."""
    time.sleep(min(0.3 * 2**number, 5.0) * random.uniform(0.7, 1.3))


def _wait_asked(response: httpx.Response, number: int) -> float:
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else 0.3 * 2**number


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _verify(url: str, ca_file: str) -> Any:
    """Return how to check the portal's certificate. Making a context takes a while: plain HTTP needs none."""
    if urlsplit(url).scheme != "https":
        return False
    if not ca_file:
        return True
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CLIError(f"The file of certificate authorities {ca_file} cannot be used: {error}.") from None
