"""Prices per hour: exact decimals, and nothing costs nothing."""

from decimal import Decimal

from jobs.costs.rates import node_price_per_hour, price_per_hour


def test_a_node_costs_its_cores() -> None:
    assert node_price_per_hour(Decimal("0.0525"), 4) == Decimal("0.2100")


def test_nodes_of_different_core_types_add_up() -> None:
    assert price_per_hour([(Decimal("0.05"), 2), (Decimal("0.02"), 3)]) == Decimal("0.16")


def test_no_nodes_cost_nothing() -> None:
    assert price_per_hour([]) == Decimal(0)
