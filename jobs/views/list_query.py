"""What the address of the job list asks for: a tab, a text to search for, an order and a page. No database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

LONGEST_SEARCH = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond it no datetime exists.
_LAST_MICROSECOND = 253_402_300_799_999_999


class Tab(StrEnum):
    """A tab of the list. Every job is in `ALL` and in one of the others."""

    ALL = ""
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    COMPLETED = "completed"
    SAVED = "saved"


class Order(StrEnum):
    """A column that the list is sorted by."""

    CREATED = "created"
    NAME = "name"
    DURATION = "duration"
    COST = "cost"


@dataclass(frozen=True)
class Place:
    """The place of a job in the order of creation."""

    created_at: datetime
    job_id: str

    def __str__(self) -> str:
        return f"{(self.created_at - _EPOCH) // timedelta(microseconds=1)}-{self.job_id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the place that `str` wrote; None for anything else."""
        number, dash, job_id = text.partition("-")
        if not (dash and job_id.isascii() and job_id.isalnum() and number.isascii() and number.isdigit()):
            return None
        if len(number) > 18 or int(number) > _LAST_MICROSECOND:
            return None
        return cls(_EPOCH + timedelta(microseconds=int(number)), job_id)


@dataclass(frozen=True)
class ListQuery:
    """One page of the list.

    In the order of creation a page begins `after` a place, or ends `before` one. In other orders pages are numbered.
    `can_search` is False for a text that no job can contain.
    """

    tab: Tab = Tab.ALL
    search: str = ""
    can_search: bool = True
    order: Order = Order.CREATED
    is_descending: bool = True
    after: Place | None = None
    before: Place | None = None
    page: int = 1

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Return what the parameters ask for. What they do not say, or say wrongly, is as in a bare address."""
        search = parameters.get("q", "").strip()[:LONGEST_SEARCH]
        can_search = _is_text(search)
        order, is_descending = _order_of(parameters.get("sort", ""))
        return cls(
            tab=_tab_of(parameters.get("status", "")),
            search=search if can_search else _shown(search),
            can_search=can_search,
            order=order,
            is_descending=is_descending,
            after=Place.parse(parameters.get("after", "")),
            before=Place.parse(parameters.get("before", "")),
            page=_page_of(parameters.get("page", "")),
        )

    @property
    def sort(self) -> str:
        """The order as the parameter `sort` has it."""
        return f"{'-' if self.is_descending else ''}{self.order}"

    def in_tab(self, tab: Tab) -> str:
        """Return the address of a tab, with the same search and order."""
        return _address(tab, self.search, self.sort)

    def without_search(self) -> str:
        """Return the address of the whole tab."""
        return _address(self.tab, "", self.sort)

    def first_page(self) -> str:
        """Return the address of the first page of the same list."""
        return _address(self.tab, self.search, self.sort)

    def sorted_by(self, order: Order) -> str:
        """Return the address of the list in another order; in the reverse one, if that is its order already."""
        is_descending = not self.is_descending if order is self.order else order is not Order.NAME
        return _address(self.tab, self.search, f"{'-' if is_descending else ''}{order}")

    def at(self, name: str, value: object) -> str:
        """Return the address of another page of the same list."""
        return _address(self.tab, self.search, self.sort, **{name: str(value)})


def _address(tab: Tab, search: str, sort: str, **more: str) -> str:
    said = {"status": str(tab), "q": search, "sort": "" if sort == ListQuery().sort else sort, **more}
    return "?" + urlencode({name: value for name, value in said.items() if value})


def _is_text(text: str) -> bool:
    """Whether a database can hold the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(text: str) -> str:
    """Return the text with a replacement character for each one that no page can hold."""
    return "".join(character if _is_text(character) else "\N{REPLACEMENT CHARACTER}" for character in text)


def _tab_of(text: str) -> Tab:
    return Tab(text) if text in set(Tab) else Tab.ALL


def _order_of(text: str) -> tuple[Order, bool]:
    name = text.removeprefix("-")
    return (Order(name), text.startswith("-")) if name in set(Order) else (Order.CREATED, True)


def _page_of(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1
