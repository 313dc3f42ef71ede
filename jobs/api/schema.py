"""Path parameters that several resources share, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiParameter

JOB_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Six letters.")
FILE_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Six letters.")
SESSION_ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
