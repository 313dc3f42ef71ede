"""/jobs/{id}/connect/: every command that connects to a node, ready to copy."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.access import connect_commands, connect_guide
from jobs.access.connect_guide import ConnectRequest
from jobs.api.requests import existing_cluster_of, job_of
from jobs.api.schema import JOB_ID

QUERY_PARAMETERS = [
    OpenApiParameter("node", str, description="`head` (the default), `compute-1`..."),
    OpenApiParameter(
        "way",
        str,
        enum=[connect_guide.JUMP, connect_guide.DIRECT],
        description="To a compute node: `jump`, through the head node (the default), or `direct`.",
    ),
    OpenApiParameter("local_port", int, description="For tunnels, on your computer: 1 to 65535."),
    OpenApiParameter("node_port", int, description="For tunnels, on the node: 1 to 65535."),
]


class PuttyFieldSerializer(CamelSerializer):
    """A field of PuTTY's window."""

    id = serializers.CharField()
    label = serializers.CharField(help_text="Where the field is in PuTTY.")  # type: ignore[assignment]
    value = serializers.CharField()


class ConnectCommandSerializer(CamelSerializer):
    """A command or lines of a configuration to copy, or fields to fill in."""

    id = serializers.CharField(help_text="A stable code: `openssh`, `strict-file`, `tunnel-local`...")
    tab = serializers.ChoiceField(choices=connect_commands.TABS)
    title = serializers.CharField()
    line = serializers.CharField(help_text="What it does.")
    text = serializers.CharField(
        help_text="The text to copy. It works in bash, zsh, fish, cmd and PowerShell."
    )
    putty_fields = PuttyFieldSerializer(many=True)


class ConnectSerializer(CamelSerializer):
    """Every command that connects to one node."""

    node = serializers.CharField()
    way = serializers.CharField()
    nodes = serializers.ListField(child=serializers.CharField(), help_text="The nodes you can log in to.")
    known_hosts_file = serializers.CharField(
        help_text="The file name to save the answer of known-hosts/ under, for `strict-file`."
    )
    recipes = ConnectCommandSerializer(many=True)


@extend_schema(parameters=[JOB_ID, *QUERY_PARAMETERS])
class Connect(APIView):
    """Commands that connect to a node."""

    @extend_schema(responses=ConnectSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return what the Connect dialog shows. 409 while you cannot log in to the node."""
        job = job_of(request, id)
        existing_cluster_of(job)
        guide = connect_guide.connect_guide_of(job, _connect_request(request))
        values = {
            "node": guide.node.name,
            "way": guide.way,
            "nodes": [node.name for node in guide.nodes],
            "known_hosts_file": connect_guide.known_hosts_file(job),
            "recipes": [
                {**command, "tab": tab["id"], "putty_fields": command["fields"]}
                for tab in guide.tabs
                for command in tab["commands"]
            ],
        }
        return Response(ConnectSerializer(values).data)


def _connect_request(request: Request) -> ConnectRequest:
    defaults = vars(ConnectRequest())
    return ConnectRequest(
        **{name: request.query_params.get(name, default) for name, default in defaults.items()}
    )
