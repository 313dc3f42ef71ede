"""/jobs/{id}/connect/: every way to a node, ready to copy."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.access import connect_commands, connect_guide
from jobs.api.requests import existing_cluster_of, job_of
from jobs.api.schema import JOB_ID

ASKED = [
    OpenApiParameter("node", str, description="`head` (the usual one), `compute-1`..."),
    OpenApiParameter(
        "way",
        str,
        enum=[connect_guide.JUMP, connect_guide.DIRECT],
        description="To a compute node: `jump`, through the head node (the usual one), or `direct`.",
    ),
    OpenApiParameter("local_port", int, description="For tunnels, on your computer: 1 to 65535."),
    OpenApiParameter("node_port", int, description="For tunnels, on the node: 1 to 65535."),
]


class RecipeFieldSerializer(CamelSerializer):
    """One field of PuTTY's window."""

    id = serializers.CharField()
    label = serializers.CharField(help_text="Where in PuTTY it is.")  # type: ignore[assignment]
    value = serializers.CharField()


class RecipeSerializer(CamelSerializer):
    """One way to connect: a command (or lines of a configuration) to copy, or fields to fill in."""

    id = serializers.CharField(help_text="A stable word: `openssh`, `strict-file`, `tunnel-local`...")
    tab = serializers.ChoiceField(choices=connect_commands.TABS)
    title = serializers.CharField()
    line = serializers.CharField(help_text="What it does.")
    text = serializers.CharField(help_text="The same for bash, zsh, fish, cmd and PowerShell.")
    putty_fields = RecipeFieldSerializer(many=True)


class ConnectSerializer(CamelSerializer):
    """Every way to one node."""

    node = serializers.CharField()
    way = serializers.CharField()
    nodes = serializers.ListField(child=serializers.CharField(), help_text="The nodes one can log in to.")
    known_hosts_file = serializers.CharField(
        help_text="What `strict-file` expects the answer of known-hosts/ to be saved as."
    )
    recipes = RecipeSerializer(many=True)


@extend_schema(parameters=[JOB_ID, *ASKED])
class Connect(APIView):
    """Commands to connect with."""

    @extend_schema(responses=ConnectSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """What the Connect dialog shows. 409 while one cannot log in to the node."""
        job = job_of(request, id)
        existing_cluster_of(job)
        usual = vars(connect_guide.Asked())
        asked = connect_guide.Asked(**{name: request.query_params.get(name, usual[name]) for name in usual})
        guide = connect_guide.connect_guide_of(job, asked)
        rows = [
            {**recipe, "tab": tab["id"], "putty_fields": recipe["fields"]}
            for tab in guide.tabs
            for recipe in tab["recipes"]
        ]
        answer = {
            "node": guide.node.name,
            "way": guide.way,
            "nodes": [node.name for node in guide.nodes],
            "known_hosts_file": connect_guide.known_hosts_file(job),
            "recipes": rows,
        }
        return Response(ConnectSerializer(answer).data)
