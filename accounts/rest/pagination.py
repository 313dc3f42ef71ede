"""Pagination of lists in the form of Rescale's API: `{"count", "next", "previous", "results"}`."""

from rest_framework.pagination import PageNumberPagination


class Pagination(PageNumberPagination):
    """Pages counted from 1. The limit is high because clients of Rescale request up to 1848 rows at once."""

    page_size = 10
    page_size_query_param = "page_size"
    max_page_size = 2000
