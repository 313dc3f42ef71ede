"""Describe token authentication in the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The `Authorization: Token <token>` header."""

    target_class = "accounts.users.token_authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return an API key in a header, because OpenAPI has no `Token` scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token`, one space, and one of your API tokens.",
        }


ROW_NUMBER = OpenApiParameter("id", int, OpenApiParameter.PATH)
