"""`cost`: of one job, and of all that run."""

import json

import pytest

from tests.cli.installed import Installed

pytestmark = pytest.mark.acceptance


def test_a_job_that_runs_costs_and_says_what(signed_in: Installed) -> None:
    job = signed_in.good("submit", "--command", "sleep 600", "--hours", "1").strip()
    signed_in.run("logs", job)
    found = json.loads(signed_in.good("cost", job, "--json"))
    assert {"currency", "accrued", "ratePerHour", "projected", "deadline"} <= set(found)
    assert found["currency"] in signed_in.good("cost", job)
    assert job in signed_in.good("cost")
    assert job in [row["job"] for row in json.loads(signed_in.good("cost", "--json"))]
    signed_in.good("terminate", job)
    assert signed_in.run("cost", "AbCdEf").returncode == 4
