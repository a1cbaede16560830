"""A declaration that makes no sense cannot be built."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, refuse_shrink
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import (
    Child,
    Column,
    ColumnType,
    Cost,
    Disposition,
    Regime,
    Retries,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.domain.catalogue.truth import regime_of
from oso_dagster.domain.redaction import redact

ID = Column("id", ColumnType.BIGINT, "the key")
MIDNIGHT = datetime(2026, 1, 7, tzinfo=UTC)
DAILY = Partitions(PartitionKind.DAILY, MIDNIGHT, due_after=timedelta(days=1))


def nothing(_: ExtractRequest) -> Extract:
    return Extract("v", {})


def table(**changes: Any) -> Table:
    given: dict[str, Any] = {
        "name": "things",
        "description": "Things",
        "columns": (ID,),
        "primary_key": ("id",),
        "disposition": Disposition.REPLACE,
        "extract": nothing,
        "schedule": Schedule("0 2 * * *"),
        "cost": Cost(1, 1),
        "fresh_within": timedelta(hours=36),
    }
    return Table(**(given | changes))


def source(**changes: Any) -> Source:
    given: dict[str, Any] = {
        "name": "shop",
        "title": "Shop",
        "homepage": "https://example.org",
        "licence": "MIT",
        "owner": "team:data",
        "stability": Stability.CORE,
        "tables": (table(),),
    }
    return Source(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "Things"}, "snake_case"),
        ({"name": "a__b"}, "double underscore"),
        ({"description": ""}, "description"),
        ({"columns": ()}, "no columns"),
        ({"columns": (ID, ID)}, "two columns"),
        ({"primary_key": ()}, "primary key"),
        ({"primary_key": ("no",)}, "primary key"),
        ({"shrink_floor": 1.1}, "shrink_floor"),
        ({"fresh_within": timedelta(0)}, "positive"),
        ({"event_time": "no"}, "event_time"),
        ({"disposition": Disposition.REPLACE_PARTITION}, "needs partitions"),
        (
            {"partitions": Partitions(PartitionKind.DAILY, MIDNIGHT, due_after=timedelta(1)), "fresh_within": None},
            "replace_partition",
        ),
        ({"children": (Child("x", "X", (ID,), ("id",)),) * 2}, "suffix"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        table(**changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "staging"}, "reserved"),
        ({"name": "marts"}, "reserved"),
        ({"name": "platform"}, "reserved"),
        ({"homepage": "http://example.org"}, "https"),
        ({"owner": "nobody"}, "owner"),
        ({"licence": ""}, "licence"),
        ({"tables": ()}, "no tables"),
        ({"tables": (table(), table())}, "share a name"),
        ({"tables": (table(fresh_within=None),)}, "core tables without fresh_within: things"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        source(**changes)


def test_an_unstable_table_may_promise_nothing() -> None:
    assert source(stability=Stability.UNSTABLE, tables=(table(fresh_within=None),)).tables[0].fresh_within is None


def test_declarations_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        source().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("cron", ["* * * *", "@daily", "0 2 * * MON", "0 2 * * * *", ""])
def test_a_cron_has_five_numeric_fields(cron: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        Schedule(cron)


def test_retries_are_bounded() -> None:
    with pytest.raises(ValueError, match="not between 0 and 10"):
        Retries(limit=11)


def test_a_secret_has_no_default() -> None:
    with pytest.raises(ValueError, match="no default"):
        Setting("token", SettingKind.SECRET, "a token", default="x")


OLD, NEW = (Regime(name, date(year, 1, 1), "Differs", "A page") for name, year in (("old", 2024), ("new", 2026)))


@pytest.mark.parametrize("wrong", [(NEW, OLD), (OLD, OLD)], ids=["newest first", "twice"])
def test_regimes_are_declared_oldest_first_and_each_once(wrong: tuple[Regime, ...]) -> None:
    with pytest.raises(ValueError, match="regimes must be sorted"):
        table(regimes=wrong)


def test_a_regime_needs_to_say_where_it_was_read() -> None:
    with pytest.raises(ValueError, match="where it was read"):
        Regime("new", date(2026, 1, 1), "Differs", "")


def test_a_day_belongs_to_the_regime_that_began_last() -> None:
    days = (date(2023, 12, 31), date(2024, 1, 1), date(2025, 12, 31), date(2026, 1, 1))
    assert [regime_of((OLD, NEW), day) for day in days] == [None, OLD, OLD, NEW]


def test_child_tables_carry_the_name_of_their_parent() -> None:
    assert list(table(children=(Child("parts", "Parts", (ID,), ("id",)),)).physical) == ["things", "things__parts"]


def test_a_request_never_shows_its_settings() -> None:
    request = ExtractRequest("shop", "things", MIDNIGHT, Path(), {"token": "hunter2"})
    assert "hunter2" not in repr(request)


@pytest.mark.parametrize(
    ("before", "now", "slack", "refused"),
    [
        (100, 80, 0, False),
        (100, 79, 0, True),
        (0, 0, 0, False),
        (7112, 5690, 0, False),
        (7112, 5689, 0, True),
        (4, 0, 10, False),
        (40, 30, 10, False),
        (40, 29, 10, True),
    ],
)
def test_a_shrinking_replace_is_refused_below_its_floor_exactly(before: int, now: int, slack: int, refused: bool) -> None:
    assert (refuse_shrink("t", before=before, now=now, floor=0.8, slack=slack) is not None) is refused


def test_redaction_takes_out_secrets_and_user_information() -> None:
    text = "GET https://me:pw@host/a?key=s3cret failed; ssh://git@host/b"
    assert redact(text, ["s3cret", ""]) == "GET https://***@host/a?key=*** failed; ssh://***@host/b"
