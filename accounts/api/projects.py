"""/users/me/projects/, and for administrators /projects/ and /project-policy/."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Project
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.permissions import IsAdministrator
from accounts.rest.requests import actor, person, pick
from accounts.services import projects

PROJECT_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class OwnProjectSerializer(CamelSerializer):
    """A project that your jobs can belong to."""

    id = serializers.CharField()
    name = serializers.CharField()
    is_default = serializers.SerializerMethodField(
        help_text="Whether jobs that name no project belong to it."
    )

    def get_is_default(self, project: Project) -> bool:
        return project.pk == self.context.get("default_id")


class DefaultProjectBody(CamelSerializer):
    """Your default project."""

    default = serializers.CharField(
        allow_null=True, max_length=40, help_text="The id of a project; null for none."
    )


class ProjectDetailSerializer(CamelSerializer):
    """A project, for administrators."""

    id = serializers.CharField()
    name = serializers.CharField()
    members = serializers.SerializerMethodField(help_text="User names.")
    is_closed = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_members(self, project: Project) -> list[str]:
        return sorted(person.get_username() for person in project.members.all())

    def get_is_closed(self, project: Project) -> bool:
        return project.closed_at is not None


class ProjectBody(CamelSerializer):
    """A project to make."""

    name = serializers.CharField(allow_blank=True)
    members = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, help_text="User names."
    )


class ProjectPatch(ProjectBody):
    """What to change. Fields that are left out stay; `members` replaces the whole list."""

    name = serializers.CharField(required=False, allow_blank=True)
    is_closed = serializers.BooleanField(required=False)


class ProjectPolicySerializer(CamelSerializer):
    """Whether every job needs a project."""

    required = serializers.BooleanField()  # type: ignore[assignment]  # a field of the form, named like an option


class OwnProjects(ListAPIView[Project]):
    """Your projects, in the form of Rescale's API."""

    serializer_class = OwnProjectSerializer
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        return projects.projects_of(person(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if self.request and self.request.user.is_authenticated:
            found = projects.default_project(person(self.request))
            context["default_id"] = found.pk if found else None
        return context

    @extend_schema(request=DefaultProjectBody, responses={204: None})
    def patch(self, request: Request) -> Response:
        """Choose the project of your jobs that name none."""
        body = DefaultProjectBody(data=request.data)
        body.is_valid(raise_exception=True)
        projects.set_default_project(actor(request), person(request), body.validated_data["default"] or None)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Projects(ListAPIView[Project]):
    """All projects, for administrators."""

    permission_classes = [IsAuthenticated, IsAdministrator]
    serializer_class = ProjectDetailSerializer
    queryset = Project.objects.prefetch_related("members")

    @extend_schema(request=ProjectBody, responses={201: ProjectDetailSerializer})
    def post(self, request: Request) -> Response:
        """Make a project."""
        body = ProjectBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        made = projects.create_project(
            actor(request), asked["name"], projects.people_named(asked.get("members", []))
        )
        return Response(ProjectDetailSerializer(made).data, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[PROJECT_ID])
class OneProject(APIView):
    """One project, for administrators."""

    permission_classes = [IsAuthenticated, IsAdministrator]

    @extend_schema(responses=ProjectDetailSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return a project."""
        return Response(ProjectDetailSerializer(pick(Project.objects.all(), id)).data)

    @extend_schema(request=ProjectPatch, responses=ProjectDetailSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change a project. A closed one takes no new jobs."""
        found = pick(Project.objects.all(), id)
        body = ProjectPatch(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        changed = projects.change_project(
            actor(request),
            found,
            name=asked.get("name"),
            members=projects.people_named(asked["members"]) if "members" in asked else None,
            is_closed=asked.get("is_closed"),
        )
        return Response(ProjectDetailSerializer(changed).data)


class ProjectPolicy(APIView):
    """Whether every job needs a project, for administrators."""

    permission_classes = [IsAuthenticated, IsAdministrator]

    @extend_schema(responses=ProjectPolicySerializer)
    def get(self, request: Request) -> Response:
        """Return whether every job needs a project."""
        return Response({"required": projects.is_project_required()})

    @extend_schema(request=ProjectPolicySerializer, responses=ProjectPolicySerializer)
    def put(self, request: Request) -> Response:
        """Say whether every job that is submitted from now on needs a project."""
        body = ProjectPolicySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        projects.set_project_required(actor(request), body.validated_data["required"])
        return self.get(request)
