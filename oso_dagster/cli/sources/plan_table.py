"""What `oso sources plan` prints: plain data for programs, eighty columns for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from oso_dagster.domain.catalogue.loading import LoadPlan

WIDTH = 80


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
    overview = Table(
        Column("table", no_wrap=True), *(Column(name, justify="right") for name in ("due", "of", "a run", "a day", "of limit")),
        "unit", box=SIMPLE_HEAD,
    )  # fmt: skip
    for table, plan in plans.items():
        counts = (len(plan.items), plan.total, plan.budget, plan.per_day)
        share = f"{plan.per_day / plan.limit_per_day:.1%}"
        overview.add_row(table, *(f"{count:,}" for count in counts), share, plan.unit)
    console.print(overview, width=WIDTH)
    for table, plan in plans.items():
        shown = Table(
            Column(f"{table}, asked first", ratio=1, overflow="fold"), Column("why", ratio=1), box=SIMPLE_HEAD, expand=True
        )
        for planned in plan.items[:first]:
            shown.add_row(escape(planned.item), planned.why)
        if not plan.items:
            shown.add_row("nothing is due", "")
        console.print(shown, width=WIDTH)
        if plan.note:
            console.print(f"  {plan.note}", width=WIDTH, highlight=False)
