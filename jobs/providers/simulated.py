"""The provider of the simulated cloud: a client of its HTTP API, over TCP or a unix socket."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from jobs.providers import simulated_answers
from jobs.providers.base import (
    ClusterOrder,
    ListedCluster,
    LoginRecord,
    NodeUsage,
    ObservedNode,
    OrderRefused,
    ProviderBusy,
    State,
    UnreadableAnswer,
)
from jobs.providers.fault_injection import (
    CoreCount,
    FaultOverview,
    FaultRule,
    parse_core_counts,
    parse_faults,
)

# How long an answer may take; of what is told beside an estimate, which can do without.
SECONDS, CAPACITY_SECONDS = 30.0, 2.0


class SimulatedProvider:
    """A provider that calls `jobs.simulator`. Safe to share between threads."""

    def __init__(self, url: str, token_file: str) -> None:
        """`url` is `unix:/path` or `http://host:port`; `token_file` holds the bearer token."""
        self._url = url
        self._token_file = token_file
        self._client: httpx.Client | None = None
        self._client_lock = threading.Lock()

    def plan(self, order: ClusterOrder) -> State:
        return {"id": order.cluster_id}

    def provision(self, order: ClusterOrder) -> State:
        body = asdict(order)
        cluster_id = body.pop("cluster_id")
        body["mark"] = body.pop("portal_id")
        self._call("PUT", f"/v1/clusters/{cluster_id}", body)
        return self.plan(order)

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        if "id" not in state:
            return None
        found = self._call("GET", f"/v1/clusters/{state['id']}", missing_ok=True)
        return None if found is None else simulated_answers.read_nodes(found)

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        path = f"/v1/clusters/{state['id']}/access"
        in_force = self._call("PUT", path, dict(access_document), missing_ok=True)
        version = (in_force or {}).get("version")
        return version if isinstance(version, int) else None

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        body = {"host_certificates": {name: list(lines) for name, lines in certificates.items()}}
        self._call("PUT", f"/v1/clusters/{state['id']}/host-certificates", body, missing_ok=True)

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        path = f"/v1/clusters/{state['id']}/logins?after={after}"
        found = self._call("GET", path, missing_ok=True) or {}
        return simulated_answers.read_logins(found)

    def broadcast(self, state: State, message: str, key: str) -> None:
        path = f"/v1/clusters/{state['id']}/broadcast"
        self._call("POST", path, {"message": message, "key": key}, missing_ok=True)

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        for name in names:
            path = f"/v1/clusters/{state['id']}/nodes/{name}/stop"
            self._call("POST", path, {"message": message}, missing_ok=True)

    def release(self, state: State, message: str) -> None:
        if "id" in state:
            self._call("DELETE", f"/v1/clusters/{state['id']}", {"message": message}, missing_ok=True)

    def usage(self, state: State) -> Sequence[NodeUsage] | None:
        if "id" not in state:
            return None
        found = self._call("GET", f"/v1/usage/{state['id']}", missing_ok=True)
        return None if found is None else simulated_answers.read_usage(found)

    def list(self) -> Sequence[ListedCluster]:
        return simulated_answers.read_clusters(self._call("GET", "/v1/clusters") or {})

    def keeps_users_apart(self) -> bool:
        return str((self._call("GET", "/healthz") or {}).get("sandbox")) != "none"

    # FaultInjectingProvider

    def fault_overview(self) -> FaultOverview:
        return parse_faults(self._call("GET", "/v1/faults") or {})

    def switch_fault(self, rule: FaultRule, on: bool) -> FaultOverview:
        body: dict[str, Any] = {"cluster": rule.cluster, "node": rule.node}
        body |= {"seconds": rule.seconds} if on else {"off": True}
        return parse_faults(self._call("PUT", "/v1/faults", {rule.name: body}) or {})

    def core_counts(self, core_types: Sequence[str]) -> Sequence[CoreCount]:
        query = urlencode([("core_type", code) for code in core_types])
        return parse_core_counts(self._call("GET", f"/v1/capacity?{query}") or {})

    def set_cores(self, core_type: str, cores: int | None) -> None:
        self._call("PUT", "/v1/capacity", {core_type: cores})

    # CapacityProvider

    def free_cores(self, core_type: str) -> int | None:
        query = urlencode({"core_type": core_type})
        answer = self._call("GET", f"/v1/capacity?{query}", timeout=CAPACITY_SECONDS) or {}
        try:
            found = parse_core_counts(answer)
        except (AttributeError, KeyError, TypeError) as error:
            raise UnreadableAnswer(
                "unreadable_answer", "The simulator does not say how many cores are free."
            ) from error
        return next((count.free for count in found if count.core_type == core_type), None)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        with self._client_lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        missing_ok: bool = False,
        timeout: float = SECONDS,
    ) -> dict[str, Any] | None:
        try:
            response = self._http().request(
                method, path, json=body, headers=self._authorization(), timeout=timeout
            )
        except (httpx.HTTPError, OSError) as error:
            raise ProviderBusy(
                "provider_unreachable", f"The simulator does not answer ({type(error).__name__})."
            ) from error
        if response.status_code == 404 and missing_ok:
            return None
        if response.status_code >= 500 or response.status_code in (401, 429):
            detail = str(_json(response).get("message") or "").strip()
            text = f"The simulator answered {response.status_code}" + (f": {detail}" if detail else ".")
            raise ProviderBusy("provider_busy", text)
        answer = _json(response)
        if response.status_code >= 400:
            reason = str(answer.get("reason", "order_refused"))
            raise OrderRefused(reason, str(answer.get("message", f"HTTP {response.status_code}")))
        if not answer:
            raise UnreadableAnswer(
                "unreadable_answer", f"The simulator's answer to {method} {path} is no JSON object."
            )
        return answer

    def _http(self) -> httpx.Client:
        with self._client_lock:
            if self._client is None:
                if self._url.startswith("unix:"):
                    transport = httpx.HTTPTransport(uds=self._url.removeprefix("unix:"), retries=1)
                    self._client = httpx.Client(
                        transport=transport, base_url="http://simulator", timeout=SECONDS, trust_env=False
                    )
                else:
                    self._client = httpx.Client(base_url=self._url, timeout=SECONDS, trust_env=False)
            return self._client

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {Path(self._token_file).read_text().strip()}"}


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json() if response.content else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
