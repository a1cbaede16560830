"""What `oso sources plan` prints: plain data for programs, tables that fit eighty columns for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from oso_dagster.cli.session.terminal import listing, number
from oso_dagster.domain.catalogue.loading import LoadPlan


def plain(plans: Mapping[str, LoadPlan], first: int) -> list[dict[str, Any]]:
    """The plans as data, with the `first` items of each."""
    return [
        {
            "table": table,
            "due": len(plan.items),
            "total": plan.total,
            "unit": plan.unit,
            "budget_per_run": plan.budget,
            "per_day": plan.per_day,
            "limit_per_day": plan.limit_per_day,
            "note": plan.note,
            "first": [{"item": planned.item, "why": planned.why} for planned in plan.items[:first]],
        }
        for table, plan in plans.items()
    ]


def print_plans(plans: Mapping[str, LoadPlan], first: int, console: Console) -> None:
    """One line a table, then the items that are asked first."""
    overview = listing("table", *map(number, ("due", "of", "a run", "a day", "of limit")), "unit")
    for table, plan in plans.items():
        counts = (len(plan.items), plan.total, plan.budget, plan.per_day)
        share = f"{plan.per_day / plan.limit_per_day:.1%}"
        overview.add_row(table, *(f"{count:,}" for count in counts), share, plan.unit)
    console.print(overview)
    for table, plan in plans.items():
        shown = listing(f"{table}, asked first", "why")
        for planned in plan.items[:first]:
            shown.add_row(planned.item, planned.why)
        if not plan.items:
            shown.add_row("nothing is due", "")
        console.print(shown)
        if plan.note:
            console.print(f"  {plan.note}")
