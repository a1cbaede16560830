"""Which snapshots of an environment or a plan are meant. Imports SQLMesh."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlmesh.core.snapshot import Snapshot

from ..context import goes_on, is_asset, short_name


def audited_tables(snapshots: Mapping[Any, Snapshot], models: Collection[str]) -> list[Snapshot]:
    """The tables that no model makes, with audits of their own, that these models read, directly or through embedded models."""
    by_name = {snapshot.name: snapshot for snapshot in snapshots.values()}
    waiting = [each for each in snapshots.values() if is_asset(each) and short_name(each.name) in models]
    tables: dict[str, Snapshot] = {}
    while waiting:
        for parent in (by_name[reference.name] for reference in waiting.pop().parents if reference.name in by_name):
            if parent.is_model and parent.model.kind.is_embedded:
                waiting.append(parent)
            elif parent.is_external and parent.evaluatable:
                tables[parent.name] = parent
    return list(tables.values())


def new_to_readers(plan: Any) -> list[Any]:
    """The models of which a plan shows readers another version."""
    difference = plan.context_diff
    names = {snapshot.name for snapshot in difference.added} | set(difference.modified_snapshots)
    return [each for each in difference.snapshots.values() if each.name in names and is_asset(each)]


def is_recomputed_whole(snapshot: Snapshot) -> bool:
    """Whether it is computed each time, and was before: what is written whole, and own kinds with `computed_each_time`."""
    if not snapshot.intervals:
        return False
    if snapshot.is_audit or snapshot.is_external:
        return True
    kind = snapshot.model.kind
    return bool(kind.is_full or kind.is_view or goes_on(snapshot.model))


def tables_read(audit: Snapshot) -> set[str]:
    """What a standalone audit reads."""
    return {short_name(parent.name) for parent in audit.parents}
