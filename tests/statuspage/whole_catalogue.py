"""A status page of every service and every source of the catalogue, as a reader of today sees it."""

from __future__ import annotations

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.objectives import SERVICES
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.domain.status.data_sets import DataGroup
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.sources import catalogue
from tests.statuspage.pages import NEVER, data_set, objective, page


def whole_catalogue() -> StatusPage:
    """Every service and every table of the catalogue; a table of npm is stale, and the last three services have no data."""
    states = [objective()] * 3 + [objective(Verdict.NO_DATA, good=0, valid=0)] * 3
    services = tuple(
        ServiceState(name, title, text, (state,)) for (name, (title, text)), state in zip(SERVICES.items(), states, strict=True)
    )
    groups = tuple(
        DataGroup(
            source.name,
            source.title,
            source.homepage,
            tuple(
                data_set(
                    f"{source.name}/{table.name}",
                    label=Label(source.stability.value),
                    **_loaded(source),
                )
                for table in source.tables
            ),
        )
        for source in catalogue()
    )
    models = tuple(data_set(f"marts/m{number}", label=Label.SQLMESH) for number in range(14))
    return page(services, (*groups, DataGroup("marts", "Models that are published", "", models)))


def _loaded(source: Source) -> dict[str, object]:
    """How the tables of a source stand; one that is retired was never loaded here."""
    if source.retired is not None:
        never = dict.fromkeys(("rows", "last_good", "fresh_within", "freshness"))
        return {**never, "fresh_for": NEVER, "promised_for": NEVER, "retired": f"since {source.retired.since}: it is no more"}
    return {"freshness": Freshness.STALE if source.name == "npm" else Freshness.FRESH}
