"""A context broker for the simulator's tests: answers nodes as the portal's does, over HTTP, without a database.

tests/contracts/test_context_broker.py holds it and the portal's broker to one suite.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from accounts.refusals import Refused
from jobs.context.node_refusals import NodeRefusal
from jobs.node_contract import broker_calls
from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.phases import DEFAULT_PHASE_SECONDS, Phase
from jobs.node_contract.registration import read_registration

TOKEN = re.compile(r"(?P<user>\w+)/(?P<node>[a-z][a-z0-9-]*)")
# An address of the portal's own that no test connects from: what is let in through it is a test's own business.
GATEWAY_ADDRESSES = ["127.0.0.9"]


class Broker:
    """Remembers what nodes sent. A token is `user/node name`, so that no node has to be announced."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {
            "authorized_keys": [],
            "withdrawn": {},
            "rules": ["127.0.0.1/32"],
            "ssh_access_off": False,
            "user_authorities": [],
            "gateway_addresses": GATEWAY_ADDRESSES,
            "host_certificates": [],
            "environment": {"RESCALE_JOB_ID": "Ab12cd", "RESCALE_NODES": "2"},
            "motd": "",
            "phases": [
                {"name": phase.value, "timeout_seconds": DEFAULT_PHASE_SECONDS, "script": ""}
                for phase in Phase
            ],
            "data": {},
            "on_error": "halt",
            "peers": {"roles": {}},
        }
        self.registered: dict[str, dict[str, Any]] = {}
        self.reported: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, dict[int, dict[str, Any]]] = {}
        # What single nodes are told besides, by node name; and what is answered about peers.
        self.own: dict[str, dict[str, Any]] = {}
        self.peers: Callable[[], dict[str, Any]] = lambda: {"roles": {}}
        # Calls that are refused; a number is the status of a portal that does not work, without a document.
        self.refuse: dict[str, NodeRefusal | int] = {}
        self.calls: list[str] = []
        self._versions: Counter[str] = Counter()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}/context/v1/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def next_version(self, user: str) -> int:
        """Return a version for an access document of this user's cluster that none had before."""
        self._versions[user] += 1
        return self._versions[user]

    def answer(self, verb: str, authorization: str, data: bytes) -> tuple[int, dict[str, Any]]:
        """Return the status and body for one call."""
        refusal = self.refuse.get(verb)
        if isinstance(refusal, int):
            return refusal, {}
        try:
            if refusal is not None:
                raise refusal.refused()
            token = self._token(authorization)
            found = self._verb(verb)(token, self._document(data))
        except InvalidDocument as invalid:
            return 400, {"reason": invalid.reason, "detail": invalid.message}
        except Refused as refused:
            return refused.status, {"reason": refused.reason, "detail": refused.message}
        return (202 if "waiting_for" in found else 200), found

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _token(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme != broker_calls.AUTHORIZATION_SCHEME or not token:
            raise NodeRefusal.NO_CREDENTIAL.refused()
        if not TOKEN.fullmatch(token):
            raise NodeRefusal.UNKNOWN_NODE.refused()
        return token

    def _document(self, data: bytes) -> dict[str, Any]:
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise NodeRefusal.NOT_JSON.refused()
        return document

    def _verb(self, name: str) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
        return {
            "register": self._register,
            "peers": self._peers,
            "progress": self._progress,
            "report": self._report,
        }[name]

    def _register(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        facts = read_registration(body)
        if token in self.reported:
            raise NodeRefusal.SPENT.refused()
        before = self.registered.setdefault(token, body)
        if tuple(before["host_keys"]) != facts.host_keys:
            raise NodeRefusal.REPLAYED.refused()
        user, _, node = token.partition("/")
        return {
            "username": user,
            "home": f"/enc/{user}",
            "version": self.next_version(user),
            **self._member(node),
            **self.context,
            **self.own.get(node, {}),
        }

    def _member(self, node: str) -> dict[str, Any]:
        """Return the part of the plan that a plain job's node has. The other members are not known here."""
        member: dict[str, Any] = {
            "name": node,
            "role": "head" if node == "head" else "compute",
            "provides": [],
        }
        hardware = {"core_type": "emerald", "cores": 2}
        return {"member": {**member, "requires": []}, "members": [{**member, **hardware}]}

    def _peers(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check_registered(token)
        return self.peers()

    def _progress(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        broker_calls.read_progress(body)
        if self._new_lines(token, body) and token in self.reported:
            raise NodeRefusal.SPENT.refused()
        self._check_registered(token, may_have_reported=True)
        self._save_lines(token, body)
        return {}

    def _report(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        broker_calls.read_report(body)
        new = self._new_lines(token, body)
        if (before := self.reported.get(token)) is not None:
            if new or any(before.get(name) != body.get(name) for name in ("outcome", "log")):
                raise NodeRefusal.SPENT.refused()
            return {}
        self._check_registered(token)
        self._save_lines(token, body)
        self.reported[token] = body
        return {}

    def _check_registered(self, token: str, may_have_reported: bool = False) -> None:
        if token in self.reported and not may_have_reported:
            raise NodeRefusal.SPENT.refused()
        if token not in self.registered:
            raise NodeRefusal.NOT_REGISTERED.refused()

    def _new_lines(self, token: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the lines that are not stored yet. Raises Refused if a stored one is sent with other content."""
        stored, new = self.lines.get(token, {}), []
        for line in body.get("lines", []):
            if line["sequence"] not in stored:
                new.append(line)
            elif stored[line["sequence"]] != line:
                raise NodeRefusal.LINE_DIFFERS.refused()
        return new

    def _save_lines(self, token: str, body: dict[str, Any]) -> None:
        for line in self._new_lines(token, body):
            self.lines.setdefault(token, {})[line["sequence"]] = line


def handler_of(broker: Broker) -> type[BaseHTTPRequestHandler]:
    """Return the class that serves this broker."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            broker.calls.append(self.path)
            verb = self.path.rstrip("/").rpartition("/")[2]
            status, answer = broker.answer(verb, self.headers.get("Authorization", ""), data)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 202:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
