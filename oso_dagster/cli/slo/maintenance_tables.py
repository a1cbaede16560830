"""What `oso slo maintenance` prints: plain data for programs, tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from oso_dagster.cli.session.terminal import listing, under
from oso_dagster.domain.objectives.maintenance import Maintenance

if TYPE_CHECKING:
    from oso_dagster.reliability.ledger.maintenance_windows import MaintenanceChange


def maintenance_data(window: Maintenance) -> dict[str, str | None]:
    """A window as plain values; `declared_at` is null for one of an older store."""
    times = {"from": window.start.isoformat(), "to": window.end.isoformat()}
    declared = window.declared_at.isoformat() if window.declared_at else None
    return {
        "scope": window.scope,
        **times,
        "author": window.author,
        "reason": window.reason,
        "declared_at": declared,
        "rule": window.rule,
    }


def maintenances(windows: Sequence[Maintenance]) -> Table:
    """A table of windows."""
    table = listing("scope, end, reason, author", Column("from (UTC)", no_wrap=True), title="Maintenance, left out")
    for window in windows:
        declared = f"{window.author}, {window.declared_at:%Y-%m-%d %H:%M} UTC" if window.declared_at else window.author
        about = under(window.scope, f"until {window.end:%Y-%m-%d %H:%M} UTC", window.reason, window.rule, declared)
        table.add_row(about, f"{window.start:%Y-%m-%d %H:%M}")
    return table


def change_data(change: MaintenanceChange) -> dict[str, str]:
    """A change of a window as plain values."""
    times = {"at": change.at.isoformat(), "from": change.start.isoformat(), "to": change.end.isoformat()}
    return {"what": change.what.value, "scope": change.scope, **times, "who": change.who, "text": change.text}


def changes_table(changes: Sequence[MaintenanceChange]) -> Table:
    """A table of changes, the oldest first."""
    table = listing("window, change, who", Column("when (UTC)", no_wrap=True), title="Maintenance, what was done")
    for change in changes:
        what = f"{change.what.value.replace('_', ' ')} {change.text}".strip()
        window = f"{change.start:%Y-%m-%d %H:%M} to {change.end:%Y-%m-%d %H:%M} UTC"
        table.add_row(under(change.scope, window, what, change.who), f"{change.at:%Y-%m-%d %H:%M}")
    return table
