"""What is announced to go: a published table or column, since when, until when it stays at least, and what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from yaml import safe_load

NOTICE = timedelta(days=90)
"""Between an announcement and the last day on which what it names is promised, at least."""


@dataclass(frozen=True)
class Deprecation:
    """One announcement. Raises ValueError where the notice is too short or nothing is said of what to use instead."""

    announced: date
    removed_after: date
    use_instead: str

    def __post_init__(self) -> None:
        if self.removed_after - self.announced < NOTICE:
            earliest = self.announced + NOTICE
            raise ValueError(
                f"announced on {self.announced} and removed after {self.removed_after}: {NOTICE.days} days of notice are "
                f"promised, so not before {earliest}"
            )
        if not self.use_instead.strip():
            raise ValueError("say what to use instead")

    @property
    def words(self) -> str:
        """For people, in one line."""
        return f"deprecated since {self.announced}, removed after {self.removed_after}: use {self.use_instead}"

    @property
    def values(self) -> dict[str, str]:
        """For programs, as JSON has it."""
        return {
            "announced": self.announced.isoformat(),
            "removedAfter": self.removed_after.isoformat(),
            "useInstead": self.use_instead,
        }


def deprecations_of(text: str) -> dict[str, Deprecation]:
    """The announcements in a text of YAML, by `schema.table` or `schema.table.column`. Raises ValueError with the name."""
    announced = safe_load(text) or {}
    return {name: _deprecation(name, values) for name, values in announced.items()}


def unannounced(before: frozenset[str], after: frozenset[str], announced: Mapping[str, Deprecation], today: date) -> list[str]:
    """Names of published columns, `schema.table.column`, that went without an announcement whose last day is over by `today`."""

    def kept(name: str) -> bool:
        deprecation = announced.get(name) or announced.get(name.rpartition(".")[0])
        return deprecation is None or today <= deprecation.removed_after

    return sorted(name for name in before - after if kept(name))


def misnamed(announced: Mapping[str, Deprecation], published: frozenset[str], today: date) -> list[str]:
    """Announcements of what is not there, before it may be gone: `published` has columns as `schema.table.column`."""
    known = published | {name.rpartition(".")[0] for name in published}
    return sorted(name for name, each in announced.items() if name not in known and today <= each.removed_after)


def _deprecation(name: str, values: Mapping[str, object]) -> Deprecation:
    announced, removed_after = values.get("announced"), values.get("removed_after")
    if not isinstance(announced, date) or not isinstance(removed_after, date):
        raise ValueError(f"{name}: `announced` and `removed_after` are days, 2026-12-01")  # noqa: TRY004  (a value of a file)
    try:
        return Deprecation(announced, removed_after, str(values.get("use_instead") or ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
