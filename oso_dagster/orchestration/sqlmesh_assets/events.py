"""What happens to models while they are materialized, as plain values. No SQLMesh, no Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelDone:
    """One attempt at one model ended; `outcome` is one of those in `attempts`. `rows` is None when counting is not cheap."""

    model: str
    outcome: str
    started: float
    ended: float
    cause: str = ""
    rows: int | None = None
    version: str = ""


@dataclass(frozen=True)
class AuditDone:
    """One audit was run on one model; it passed when it found nothing (`count` = 0)."""

    model: str
    check: str
    count: int
    blocking: bool
    query: str
    sample: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Note:
    """Something worth a line in the log."""

    text: str


Event = ModelDone | AuditDone | Note
