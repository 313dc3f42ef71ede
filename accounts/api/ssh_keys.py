"""/users/me/ssh-keys/: list, add, change and delete SSH public keys."""

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.serializers import NewSSHKeySerializer, SSHKeyPatchSerializer, SSHKeySerializer
from accounts.models import SSHKey
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER


class SSHKeys(ListAPIView[SSHKey]):
    """The public keys that you connect to your clusters with."""

    serializer_class = SSHKeySerializer
    queryset = SSHKey.objects.none()

    def get_queryset(self) -> QuerySet[SSHKey]:
        return SSHKey.objects.filter(owner=person(self.request))

    @extend_schema(request=NewSSHKeySerializer, responses={201: SSHKeySerializer})
    def post(self, request: Request) -> Response:
        """Save a key. Running clusters accept it within seconds."""
        serializer = NewSSHKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        key = services.add_ssh_key(
            actor(request),
            person(request),
            serializer.validated_data["name"],
            serializer.validated_data["public_key"],
            serializer.validated_data["expires_at"],
        )
        return Response(SSHKeySerializer(key).data, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[ROW_NUMBER])
class OneSSHKey(APIView):
    """One of your public keys."""

    def _key(self, request: Request, key_id: str) -> SSHKey:
        return pick(SSHKey.objects.filter(owner=person(request)), key_id, number=True)

    @extend_schema(responses=SSHKeySerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Get a key, its fingerprint, and when and from where it was last used."""
        return Response(SSHKeySerializer(self._key(request, id)).data)

    @extend_schema(request=SSHKeyPatchSerializer, responses=SSHKeySerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Rename the key, change its expiry, disable or enable it. The key itself cannot be changed: add another."""
        key = self._key(request, id)
        serializer = SSHKeyPatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes, who = serializer.validated_data, actor(request)
        with transaction.atomic():  # all changes or none
            if "name" in changes:
                services.rename_ssh_key(who, key, changes["name"])
            if "expires_at" in changes:
                services.set_key_expiry(who, key, changes["expires_at"])
            if changes.get("disabled") is True:
                services.disable_ssh_key(who, key)
            elif changes.get("disabled") is False:
                services.enable_ssh_key(who, key)
        return Response(SSHKeySerializer(key).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the key. Connections made with it end within seconds."""
        services.remove_ssh_key(actor(request), self._key(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)
