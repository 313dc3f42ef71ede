"""Render every error of the REST API in one form.

With a field at fault: `{"<field>": ["message"], "reason": "word"}`. Without one: `{"detail": "message", "reason":
"word"}`. Errors of a serializer keep REST framework's form, a tree of fields with lists of messages.
"""

import re
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_framework_handler

from accounts.refusals import Refused, SeveralRefused
from accounts.rest.exceptions import TooLarge


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response for an exception raised in a view; None (which becomes a 500) for an unexpected one."""
    if isinstance(error, Refused):
        return Response(refusal_body(error), status=error.status)
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, SuspiciousOperation):  # for example too many form fields
        error = ParseError("The request could not be understood.")
    response = rest_framework_handler(error, context)
    if response is not None and isinstance(response.data, dict) and set(response.data) == {"detail"}:
        response.data["reason"] = _reason(response.data["detail"], response.status_code)
    return response


def refusal_body(refused: Refused) -> dict[str, Any]:
    """Return a refusal as JSON, with camelCase field names. Of several refusals the first gives the reason."""
    if isinstance(refused, SeveralRefused):
        fields = [refusal_body(problem) for problem in reversed(refused.problems)]
        return {name: value for body in fields for name, value in body.items()}
    if refused.field is not None and refused.status == status.HTTP_400_BAD_REQUEST:
        return {camel_case(refused.field): [refused.message], "reason": refused.reason}
    return {"detail": refused.message, "reason": refused.reason}


def camel_case(name: str) -> str:
    """Return `public_key` as `publicKey`."""
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def _reason(detail: object, code: int) -> str:
    if code == status.HTTP_403_FORBIDDEN and str(detail).startswith("CSRF"):
        return "csrf_failed"
    return str(getattr(detail, "code", "error"))
