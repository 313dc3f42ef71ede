"""/machines/: existing SSH machines. Administrators manage them; other users see those they may use."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.permissions import IsAdministrator
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER
from accounts.users.administrators import is_administrator
from jobs.api.machine_serializers import (
    FindingSerializer,
    MachinePatchSerializer,
    MachineSerializer,
    NewMachineSerializer,
    SavedMachineSerializer,
)
from jobs.machines import machine_actions, machine_check
from jobs.machines.draft import MachineDraft
from jobs.machines.machine_access import visible_machines
from jobs.models import Machine


def machines_of(request: Request) -> QuerySet[Machine]:
    """Return the machines that the user may see, with the related rows that an answer needs."""
    return visible_machines(person(request)).prefetch_related("people")


def context_of(request: Request) -> dict[str, Any]:
    """Return the serializer's context. Administrators see all fields (`whole`)."""
    return {"request": request, "whole": is_administrator(person(request))}


def saved_response(request: Request, outcome: tuple[Machine, str | None], code: int) -> Response:
    """Return a machine that was just saved, with the notice about how its host key was read."""
    machine, notice = outcome
    data = MachineSerializer(machine, context=context_of(request)).data
    return Response({**data, "notice": notice}, status=code)


class ForAdministratorsToWrite(APIView):
    """A view that all users may read and only administrators may write."""

    def get_permissions(self) -> list[Any]:
        """Return the permissions that the method needs."""
        return (
            [IsAuthenticated()]
            if self.request.method in SAFE_METHODS
            else [IsAuthenticated(), IsAdministrator()]
        )


class Machines(ForAdministratorsToWrite, ListAPIView[Machine]):
    """Existing SSH machines that people connect to through the portal."""

    serializer_class = MachineSerializer
    queryset = Machine.objects.none()

    def get_queryset(self) -> QuerySet[Machine]:
        return machines_of(self.request)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **context_of(self.request)}

    @extend_schema(request=NewMachineSerializer, responses={201: SavedMachineSerializer})
    def post(self, request: Request) -> Response:
        """Add a machine (administrators). Its host key is required and pinned; the portal never learns one."""
        asked = NewMachineSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        people = values.pop("people")
        outcome = machine_actions.add_machine(actor(request), MachineDraft(**values), people)
        return saved_response(request, outcome, status.HTTP_201_CREATED)


@extend_schema(parameters=[ROW_NUMBER])
class OneMachine(ForAdministratorsToWrite):
    """One machine."""

    @extend_schema(responses=MachineSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the machine; 404 unless you may use it."""
        machine = pick(machines_of(request), id, number=True)
        return Response(MachineSerializer(machine, context=context_of(request)).data)

    @extend_schema(request=MachinePatchSerializer, responses=SavedMachineSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change the given fields (administrators). Open terminals that are no longer allowed end."""
        machine = pick(machines_of(request), id, number=True)
        asked = MachinePatchSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changes = dict(asked.validated_data)
        people = changes.pop("people", None)
        outcome = machine_actions.change_machine(actor(request), machine, changes, people)
        return saved_response(request, outcome, status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Remove the machine (administrators). Its open terminals end; the machine itself is not touched."""
        machine_actions.remove_machine(actor(request), pick(machines_of(request), id, number=True))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(parameters=[ROW_NUMBER])
class CheckMachine(APIView):
    """Check a machine."""

    permission_classes = [IsAuthenticated, IsAdministrator]

    @extend_schema(request=None, responses=FindingSerializer)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Connect, verify the host key, log in and open a shell; return what happened. Takes up to ten seconds."""
        machine = pick(machines_of(request), id, number=True)
        return Response(FindingSerializer(machine_check.check_machine(actor(request), machine)).data)


@extend_schema(parameters=[ROW_NUMBER])
class ClearAlarm(APIView):
    """The host key alarm of a machine."""

    permission_classes = [IsAuthenticated, IsAdministrator]

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Let people connect again. The machine still has to show a pinned key. Doing it again changes nothing."""
        machine_actions.clear_alarm(actor(request), pick(machines_of(request), id, number=True))
        return Response(status=status.HTTP_204_NO_CONTENT)
