"""Exceptions that REST framework lacks. Not in `errors`, which imports the views that import the parsers."""

from rest_framework import status
from rest_framework.exceptions import APIException


class TooLarge(APIException):
    """413: the request is larger than the portal accepts."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large. Upload big files at files/contents/."
    default_code = "too_large"
