"""/device-logins/ and /device-logins/token/: sign a program in by a code that its user confirms on a page."""

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, source_address
from accounts.rest.camel_case import CamelSerializer

POLL_SECONDS = 2


class DeviceLoginBody(CamelSerializer):
    """What asks to be signed in."""

    client = serializers.CharField(
        max_length=100, help_text="Shown on the page, for example `headnode on laptop`."
    )


class DeviceLoginSerializer(CamelSerializer):
    """A sign-in that waits for its user."""

    device_code = serializers.CharField(help_text="Fetches the token. Keep it secret.")
    user_code = serializers.CharField(help_text="What the user compares or types.")
    verification_uri = serializers.URLField()
    verification_uri_complete = serializers.URLField(help_text="The same page with the code filled in.")
    expires_in = serializers.IntegerField(help_text="Seconds.")
    interval = serializers.IntegerField(help_text="Seconds between two questions for the token.")


class DeviceCodeBody(CamelSerializer):
    """The code that proves which program asks."""

    device_code = serializers.CharField(max_length=100)


class DeviceTokenSerializer(CamelSerializer):
    """The token, once."""

    token = serializers.CharField()
    username = serializers.CharField()
    expires_at = serializers.DateTimeField()


class DeviceLogins(APIView):
    """Ask to be signed in. Needs no token and ignores cookies."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=DeviceLoginBody, responses={201: DeviceLoginSerializer}, auth=[])
    def post(self, request: Request) -> Response:
        """Begin a sign-in. Show the user the code and the address, then ask device-logins/token/ until it answers."""
        body = DeviceLoginBody(data=request.data)
        body.is_valid(raise_exception=True)
        address = source_address.source_address_of(request._request)
        login, device_code = services.start_device_login(body.validated_data["client"], address or None)
        page = request.build_absolute_uri(reverse("device_login"))
        values = {
            "device_code": device_code,
            "user_code": login.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={login.user_code}",
            "expires_in": int((login.expires_at - timezone.now()).total_seconds()),
            "interval": POLL_SECONDS,
        }
        return Response(DeviceLoginSerializer(values).data, status=status.HTTP_201_CREATED)


class DeviceLoginToken(APIView):
    """Fetch the token of a sign-in. Needs no token and ignores cookies."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=DeviceCodeBody, responses=DeviceTokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Get the token, once the user has confirmed.

        Until then 400 `authorization_pending`; 400 `access_denied` or `device_code_invalid` end it.
        """
        body = DeviceCodeBody(data=request.data)
        body.is_valid(raise_exception=True)
        address = source_address.source_address_of(request._request)
        token, secret = services.redeem_device_login(body.validated_data["device_code"], address or None)
        values = {"token": secret, "username": token.owner.get_username(), "expires_at": token.expires_at}
        return Response(DeviceTokenSerializer(values).data)
