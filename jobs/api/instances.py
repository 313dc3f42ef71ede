"""/jobs/{id}/instances/, connection_details/ and known-hosts/: the nodes of a job, and how to log in to them."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.access import connection_info
from jobs.api.constant import ConstantField
from jobs.api.requests import cluster_of, job_of
from jobs.api.schema import JOB_ID
from jobs.models import Job, Node
from sshgateway.api.authorities import PLAIN_TEXT, plain_text
from sshgateway.ssh import host_keys

ROLES = {Node.Role.HEAD: "MPI_MASTER", Node.Role.COMPUTE: "MPI_SLAVE"}


class HostKeySerializer(CamelSerializer):
    """A host key of a node."""

    type = serializers.CharField()
    fingerprint = serializers.CharField(help_text="As ssh prints it at the first connection.")
    public_key = serializers.CharField()
    reported_at = serializers.DateTimeField(
        allow_null=True, help_text="When the node reported it through its one-time token."
    )
    verified_at = serializers.DateTimeField(
        allow_null=True, help_text="When the portal first logged in to the node with it."
    )
    provenance = serializers.CharField(help_text="The same as a sentence.")


class InstanceSerializer(CamelSerializer):
    """A node of the cluster. The head node is `MPI_MASTER`."""

    id = serializers.CharField()
    name = serializers.CharField(help_text="`head`, `compute-1`...")
    cluster_id = serializers.CharField()
    role = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField(
        help_text="`running` once the portal has logged in to it; else `booting`, `stopping`, `stopped` or `failed`."
    )
    core_type = serializers.CharField(source="core_type_id")
    cores = serializers.IntegerField()
    public_ip = serializers.IPAddressField(source="address")
    public_hostname = serializers.CharField(source="address")
    private_ip = serializers.IPAddressField(source="private_address", allow_null=True)
    private_hostname = serializers.CharField(source="hostname")
    date_started = serializers.DateTimeField(
        source="verified_at", allow_null=True, help_text="When the portal first logged in to it."
    )
    is_behind_nat = ConstantField(value=False)
    supported_services = ConstantField(["SSH"])
    tenancy = ConstantField("default")
    instance_group = ConstantField(None)
    username = serializers.CharField(source="cluster.job.username")
    ssh_port = serializers.IntegerField(source="port")
    ssh_command = serializers.SerializerMethodField(help_text="To paste into a shell; empty unless running.")
    host_keys = serializers.SerializerMethodField()
    host_key_alarm_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the node showed another host key than it reported. Do not log in to it then. The portal does "
        "not log in either until an administrator clears the alarm.",
    )
    host_key_shown = serializers.CharField(help_text="The fingerprint of that key; empty if unknown.")

    def get_role(self, node: Node) -> str:
        return ROLES[Node.Role(node.role)]

    def get_status(self, node: Node) -> str:
        if node.is_up or node.state not in (Node.State.ORDERED, Node.State.RUNNING):
            return str(node.state)
        return str(Node.State.BOOTING)

    def get_ssh_command(self, node: Node) -> str:
        return connection_info.ssh_command(node) if node.is_up else ""

    @extend_schema_field(HostKeySerializer(many=True))
    def get_host_keys(self, node: Node) -> list[dict[str, Any]]:
        rows = [
            {
                "type": key.type,
                "fingerprint": key.fingerprint,
                "public_key": key.line,
                "reported_at": node.registered_at,
                "verified_at": node.verified_at,
                "provenance": connection_info.provenance(node),
            }
            for key in map(host_keys.parse, node.host_keys)
        ]
        return list(HostKeySerializer(rows, many=True).data)


class EndpointSerializer(CamelSerializer):
    """An address to log in to."""

    host = serializers.CharField()
    port = serializers.IntegerField()
    username = serializers.CharField()
    command = serializers.CharField()


class ConnectionDetailsSerializer(CamelSerializer):
    """The nodes you can log in to now, the head node first."""

    connection_details = EndpointSerializer(many=True)


def nodes_of(job: Job) -> list[Node]:
    """Return the nodes that have an address, the head node first. Clients expect every instance to have one."""
    cluster = cluster_of(job)
    if cluster is None:
        return []
    nodes = [node for node in cluster.nodes.all() if node.address and node.port]
    for node in nodes:
        node.cluster = cluster  # saves a query for each node
    return sorted(nodes, key=lambda node: node.role != Node.Role.HEAD)


@extend_schema_view(get=extend_schema(parameters=[JOB_ID]))
class Instances(ListAPIView[Node]):
    """The nodes of the job's cluster; empty while there are none."""

    serializer_class = InstanceSerializer
    queryset = Node.objects.none()

    def get_queryset(self) -> list[Node]:  # type: ignore[override]
        return nodes_of(job_of(self.request, self.kwargs["id"]))


@extend_schema(parameters=[JOB_ID])
class ConnectionDetails(APIView):
    """The addresses to log in to."""

    @extend_schema(responses=ConnectionDetailsSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return host, port and ssh command of every node that is up."""
        details: list[dict[str, Any]] = [
            {
                "host": node.address,
                "port": node.port,
                "username": node.cluster.job.username,
                "command": connection_info.ssh_command(node),
            }
            for node in nodes_of(job_of(request, id))
            if node.is_up and node.host_key_alarm_at is None
        ]
        return Response(ConnectionDetailsSerializer({"connection_details": details}).data)


@extend_schema(parameters=[JOB_ID])
class KnownHosts(APIView):
    """Host keys for your known_hosts file."""

    @extend_schema(responses=PLAIN_TEXT)
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002
        """Return known_hosts lines of every node whose key was verified and has not changed. May be empty.

        Each line names the node's alias and its address.
        """
        cluster = cluster_of(job_of(request, id))
        lines = connection_info.known_hosts_lines(cluster) if cluster else []
        return plain_text("".join(f"{line}\n" for line in lines))
