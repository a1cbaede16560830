"""The code location of a worker: all of it at once, or the loads first and the rest when a job needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oso_dagster.settings import Settings
from oso_dagster.sources import catalogue

if TYPE_CHECKING:
    import dagster as dg


def import_code(*, loads: bool) -> None:
    """Import the code location, or the part that loads: most of what definitions cost, done while the world is made.

    A project that is new to this home is read by SQLMesh then, which takes seconds.
    """
    if loads:
        import oso_dagster.orchestration.ingest.jobs.ingest_definitions  # noqa: PLC0415
    else:
        import oso_dagster.definitions  # noqa: F401, PLC0415


@dataclass
class CodeLocation:
    """The definitions for these settings. With `loads` those that load sources are there alone until a job needs the others.

    Reading the SQLMesh project takes longer than many a load: of workers that start together one reads it.
    """

    settings: Settings
    loads: bool
    _whole: dg.Definitions | None = field(default=None, init=False)
    _part: dg.Definitions | None = field(default=None, init=False)

    def of(self, *, load: bool) -> dg.Definitions:
        """Definitions that have the job, which is a `load` or not. Raises SettingsError."""
        if self._whole is None and load and self.loads:
            from oso_dagster.orchestration.ingest.jobs.ingest_definitions import ingest_definitions  # noqa: PLC0415

            self._part = self._part or ingest_definitions(self.settings, self.settings.in_world(catalogue()))
            return self._part
        if self._whole is None:
            from oso_dagster.definitions import build  # noqa: PLC0415  (Dagster is slow to load)

            self._whole = build(self.settings)
        return self._whole
