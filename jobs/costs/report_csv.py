"""A report as CSV, for spreadsheets."""

import csv
import io

from jobs.costs.money import rounded
from jobs.costs.reports import Report

COLUMNS = ("key", "name", "nodeHours", "coreHours", "cost", "idleCost", "currency")
# A spreadsheet would take a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_csv(report: Report) -> str:
    """Return the rows of a report, a header first. The sum is left to the reader of the file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in report.rows:
        numbers = (row.node_hours, row.core_hours, row.cost, row.idle_cost)
        cells = [_safe(row.key), _safe(row.name), *(f"{rounded(number):f}" for number in numbers)]
        writer.writerow([*cells, report.currency])
    return text.getvalue()


def file_name(report: Report) -> str:
    """Return a name for the file."""
    return f"usage-{report.group_by}-{report.first_day}-{report.last_day}.csv"


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
