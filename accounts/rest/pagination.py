"""Pages of a list, as Rescale's clients know them: `{"count", "next", "previous", "results"}`."""

from rest_framework.pagination import PageNumberPagination


class Pagination(PageNumberPagination):
    """`page` counts from 1. Clients ask for up to 1848 rows at once, hence the high limit."""

    page_size = 10
    page_size_query_param = "page_size"
    max_page_size = 2000
