"""Exceptions REST framework lacks. Apart from `errors`, because parsers are loaded while its views are."""

from rest_framework import status
from rest_framework.exceptions import APIException


class TooLarge(APIException):
    """413: more than the portal is willing to read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large. Upload big files at files/contents/."
    default_code = "too_large"
