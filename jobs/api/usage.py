"""/users/me/usage/: what was used and what it cost, as JSON or CSV."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import person
from jobs.api.cost_fields import MoneyField
from jobs.costs.report_csv import file_name, report_csv
from jobs.costs.report_request import read_request
from jobs.costs.reports import GroupBy

CSV = "text/csv"
PARAMETERS = [
    OpenApiParameter(
        "from", str, description="First day (UTC), such as 2026-01-01. Default: of `to`'s month."
    ),
    OpenApiParameter("to", str, description="Last day (UTC), included. Default: today."),
    OpenApiParameter("groupBy", str, enum=list(GroupBy), description="What a row is. Default: day."),
    OpenApiParameter("currency", str, description="Default: the rate card's."),
    OpenApiParameter("person", str, description="For administrators: whose, by user name or id."),
    OpenApiParameter("everyone", bool, description="For administrators: `true` for all people together."),
]


class UsageRowSerializer(CamelSerializer):
    """What was used under one key."""

    key = serializers.CharField(help_text="Job id, day, code of a core type, project id or user name.")
    name = serializers.CharField(help_text="What people call it; empty if that is the key.")
    node_hours = MoneyField()
    core_hours = MoneyField()
    cost = MoneyField()
    idle_cost = MoneyField(help_text="The part of it in which no command ran.")


class UsageSerializer(CamelSerializer):
    """A report."""

    currency = serializers.CharField()
    rows = UsageRowSerializer(many=True)
    total = MoneyField(source="total.cost")
    idle_total = MoneyField(source="total.idle_cost")


class Usage(APIView):
    """What you have used."""

    @extend_schema(
        parameters=PARAMETERS, responses={(200, "application/json"): UsageSerializer, (200, CSV): str}
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Add up what you have used: `from` and `to` are included. With `Accept: text/csv` the answer is CSV."""
        report = read_request(person(request), request.query_params).report()
        if CSV in request.headers.get("Accept", ""):
            headers = {"Content-Disposition": f'attachment; filename="{file_name(report)}"'}
            return HttpResponse(report_csv(report), content_type=f"{CSV}; charset=utf-8", headers=headers)
        return Response(UsageSerializer(report).data)
