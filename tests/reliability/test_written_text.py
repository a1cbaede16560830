"""What people write and no store could keep is refused with its name, and before the database is asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oso_dagster.domain.alerts.sprint import ObjectiveFinding, note
from oso_dagster.domain.objectives.budget import Count
from oso_dagster.domain.objectives.maintenance import Maintenance
from oso_dagster.domain.objectives.sample import Sample
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.store import Store
from tests.support.postgres import empty

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FINDING = ObjectiveFinding("shop.sales", "shop", Verdict.BREACHED, "it is breached", 1, 2, 9_900, NOON, (), "fix the till")


@pytest.mark.server
@pytest.mark.parametrize("text", ["a\0b", "half of a letter: \udcff"])
def test_what_postgresql_cannot_keep_is_refused_by_name_before_it_is_asked(postgres_server, text):
    window = Maintenance("sqlmesh", NOON, NOON + HOUR, "ada", "a new disk", NOON - HOUR)
    sample = Sample("public_applications", "availability", Count(NOON, 1, 1), text)
    with Store.open(empty(postgres_server), "sandbox") as store:
        store.maintenance.add(window)
        store.sprints.advance([FINDING])
        writes = {
            "the announcement": lambda: store.public_notices.add(text, NOON, None, "ada"),
            "the reason": lambda: store.maintenance.add(replace(window, start=NOON - HOUR, reason=text)),
            "the author": lambda: store.maintenance.add(replace(window, start=NOON - HOUR, author=text)),
            "who changes": lambda: store.maintenance.end("sqlmesh", NOON + HOUR / 2, text),
            "the slice": lambda: store.samples.record([sample]),
            "the history of a sprint": lambda: store.sprints.change("shop.sales", lambda it: note(it, text, "ada", NOON)),
        }
        for what, write in writes.items():
            with pytest.raises(ValueError, match=f"{what}.* holds .*: leave it out"):
                write()
