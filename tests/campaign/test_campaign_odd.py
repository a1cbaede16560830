"""The fault campaign over every other source: odd ones, counted by name from 0. What it does and proves is `campaign`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from oso_dagster.domain.catalogue.source import Source, Table
from tests.campaign.campaign import half, healthy_load_is_the_truth, prepared, survive, tables_of
from tests.campaign.cases import Case, of
from tests.campaign.place import Place

pytestmark = pytest.mark.server

SOURCES = half(1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from prepared(tmp_path_factory.mktemp("campaign"))


@pytest.mark.parametrize(("source", "table"), tables_of(SOURCES), ids=lambda part: part.name)
def test_a_healthy_load_is_the_truth(made: Place, source: Source, table: Table) -> None:
    healthy_load_is_the_truth(made, source, table)


@pytest.mark.parametrize("case", of(SOURCES), ids=str)
def test_a_fault_ends_as_declared_and_the_next_healthy_run_is_the_truth(
    made: Place, case: Case, caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None]
) -> None:
    survive(made, case, caplog, record_property)
