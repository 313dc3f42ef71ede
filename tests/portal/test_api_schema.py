"""The OpenAPI document: valid, complete, and shown on a page that runs no inline script."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

CONTRACT = {
    "/api-token-auth/": {"post"},
    "/api/v2/users/me/": {"get"},
    "/api/v2/users/me/projects/": {"get"},
    "/api/v2/users/me/ssh-keys/": {"get", "post"},
    "/api/v2/users/me/ssh-keys/{id}/": {"get", "patch", "delete"},
    "/api/v2/users/me/access-rules/": {"get", "post"},
    "/api/v2/users/me/access-rules/{id}/": {"get", "delete"},
    "/api/v2/users/me/tokens/": {"get", "post"},
    "/api/v2/users/me/tokens/{id}/": {"get", "delete"},
    "/api/v2/users/me/job-settings/": {"get", "patch"},
    "/api/v2/coretypes/": {"get"},
    "/api/v2/analyses/": {"get"},
    "/api/v2/billing/computeprices/": {"get"},
    "/api/v2/jobs/": {"get", "post"},
    "/api/v2/jobs/estimate/": {"post"},
    "/api/v2/jobs/{id}/": {"get", "put", "patch", "delete"},
    "/api/v2/jobs/{id}/submit/": {"post"},
    "/api/v2/jobs/{id}/stop/": {"post"},
    "/api/v2/jobs/{id}/extend/": {"post"},
    "/api/v2/leftovers/": {"get"},
    "/api/v2/leftovers/{id}/": {"get", "delete"},
    "/api/v2/jobs/{id}/statuses/": {"get"},
    "/api/v2/jobs/{id}/cluster_statuses/": {"get"},
    "/api/v2/jobs/{id}/events/": {"get"},
    "/api/v3/jobs/{id}/logs/": {"get"},
    "/api/v2/jobs/{id}/instances/": {"get"},
    "/api/v2/jobs/{id}/connection_details/": {"get"},
    "/api/v2/jobs/{id}/tags/": {"get", "post"},
    "/api/v2/jobs/{id}/clusters/": {"get"},
    "/api/v2/jobs/{id}/custom-fields/": {"get", "post"},
    "/api/v2/clusters/{handle}/statuses/": {"get"},
    "/api/v2/ping/": {"get"},
    "/api/v2/jobs/{id}/known-hosts/": {"get"},
    "/api/v2/jobs/{id}/connect/": {"get"},
    "/api/v2/jobs/{id}/files/": {"get"},
    "/api/v2/jobs/{id}/runs/": {"get"},
    "/api/v2/jobs/{id}/runs/{run}/": {"get"},
    "/api/v2/jobs/{id}/runs/{run}/files/": {"get"},
    "/api/v2/clusters/": {"get", "post"},
    "/api/v2/clusters/{handle}/": {"get"},
    "/api/v2/clusters/{handle}/terminate/": {"post"},
    "/api/v2/files/": {"get"},
    "/api/v2/files/contents/": {"post", "put"},
    "/api/v2/files/{id}/": {"get", "delete"},
    "/api/v2/files/{id}/contents/": {"get"},
    "/api/v2/files/{id}/lines/": {"get"},
    "/api/v2/uploads/": {"get", "post"},
    "/api/v2/uploads/{id}/": {"get", "patch", "delete"},
    "/api/v2/host-authority/": {"get"},
    "/api/v2/user-authority/": {"get"},
    "/api/v2/machines/": {"get", "post"},
    "/api/v2/machines/{id}/": {"get", "patch", "delete"},
    "/api/v2/machines/{id}/check/": {"post"},
    "/api/v2/machines/{id}/clear-alarm/": {"post"},
    "/api/v2/terminal-sessions/": {"get", "post"},
    "/api/v2/terminal-sessions/{id}/": {"get", "delete"},
}
FIELDS = {
    "SSHKey": "id name publicKey type bits fingerprint addedAt expiresAt lastUsedAt lastUsedFrom",
    "APIToken": "id name scopes expiresAt lastUsedAt lastUsedFrom",
    "AccessRule": "id cidr note addedAt",
    "JobSettings": "autoTerminateCluster sshAccess currentAddress currentAddressAllowed",
    "JobEvent": "sequence time source level stage node message",
    "TerminalSession": "id websocketUrl node openedAt endedAt endReason",
    "Machine": "id name host port username hostKey scheduler",
    "UploadState": "id name relativePath typeId length offset createdAt expiresAt fileId",
    "Instance": "name hostKeys status sshCommand clusterId publicIp publicHostname username sshPort role",
    "HostKey": "type fingerprint publicKey",
    "Cluster": "handle jobId name status nodes cores hours ratePerHour launchedAt endedAt outcome deadline",
    "OneCluster": "handle members definition",
    "DefinitionRefused": "definition problems reason",
    "Estimate": "currency simulated ratePerHour walltime typical limits capacity",
    "Typical": "seconds cost runs",
    "Limit": "reason message field analysis",
    "JobStatus": "status statusDate statusReason",
    "JobSummary": "id name owner dateInserted analysisNames jobStatus clusterStatusDisplay sharedWith storage",
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("schema") / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", CONTRACT)
def test_it_names_every_path_and_method(document: Any, path: str) -> None:
    assert set(document["paths"][path]) >= CONTRACT[path]


@pytest.mark.parametrize("name", FIELDS)
def test_it_names_every_field(document: Any, name: str) -> None:
    assert set(document["components"]["schemas"][name]["properties"]) >= set(FIELDS[name].split())


# Where programs come that have no token yet.
WITHOUT_TOKEN = {
    "/api-token-auth/",
    *(f"/api/{version}/device-logins/{rest}" for version in ("v2", "v3") for rest in ("", "token/")),
}


def test_every_path_can_be_reached_with_a_token(document: Any) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            security = operation.get("security", [])
            assert ({"token": []} in security) == (path not in WITHOUT_TOKEN), (method, path)


def test_it_is_served(client: Any, db: None) -> None:
    answer = client.get("/api/schema/")

    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["info"]["title"] == "Headnode API"
    assert client.get("/api/schema/?format=json").json()["openapi"].startswith("3.")


def test_the_page_runs_scripts_from_files_only(db: None) -> None:
    client = APIClient()
    page = client.get("/api/docs/").content.decode()

    assert re.search(r"/swagger-ui-bundle\.[0-9a-f]{12}\.js\"", page)
    assert "<script>" not in page
    assert client.get("/api/docs/?script=").headers["Content-Type"].startswith("application/javascript")
