"""What is known of every published table: from the ledger, the verdicts of freshness and the second counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from oso_dagster.domain.catalogue.declared_tables import by_asset
from oso_dagster.domain.catalogue.source import Source
from oso_dagster.domain.coverage.comparison import MEASURED_WITHIN, Comparison
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.public_door.published_tables import tables_of_asset
from oso_dagster.orchestration.status_page.data_set_groups import groups_of
from oso_dagster.reliability.store import Store
from oso_dagster.serving.provenance import Provenance, Share, TableFacts
from oso_dagster.serving.published import Published

_NAMED = 3
"""Comparisons of one table that are written out."""


def known_facts(
    published: Published, sources: Sequence[Source], models: Sequence[dg.AssetSpec], store: Store, now: datetime
) -> Provenance:
    """As of `now`. Tables that were never loaded have no date, which is said."""
    labels = measured_assets(sources, [spec.key.to_user_string() for spec in models])
    evaluator = Evaluator(store, sources, labels, replaying=True)
    landed = {asset: tables_of_asset(source, table) for asset, (source, table) in by_asset(sources).items()}
    covered = _covered(store, now)
    facts: dict[str, TableFacts] = {}
    for group in groups_of(evaluator, models, now):
        for data_set in group.sets:
            known = TableFacts(
                data_set.last_good,
                data_set.state,
                _in_words(covered.get(data_set.asset, ())),
                data_set.tainted_by or ((group.name,) if data_set.label is Label.UNSTABLE else ()),
                len(data_set.holes),
                _shares(covered.get(data_set.asset, ())),
            )
            facts |= dict.fromkeys(landed.get(data_set.asset, [data_set.asset.replace("/", ".")]), known)
    last_good = store.ledger.last_good()
    for spec in models:  # the layers below the published one: their own loads, no promise
        name = ".".join(spec.key.path)
        if name not in facts and (last := last_good.get(spec.key.to_user_string())):
            facts[name] = TableFacts(last.at, tainted_by=tuple(spec.metadata.get("tainted_by", ())))
    return Provenance(published, facts, now)


def _covered(store: Store, now: datetime) -> Mapping[str, Sequence[Comparison]]:
    """The newest comparisons of each table with a second count."""
    covered: dict[str, list[Comparison]] = defaultdict(list)
    for comparison in store.comparisons.newest(now, now - MEASURED_WITHIN):
        covered[comparison.asset].append(comparison)
    return covered


def _in_words(comparisons: Sequence[Comparison]) -> str:
    named = "; ".join(comparison.in_words for comparison in comparisons[:_NAMED])
    return named + (f"; and {len(comparisons) - _NAMED} more" if len(comparisons) > _NAMED else "")


def _shares(comparisons: Sequence[Comparison]) -> tuple[Share, ...]:
    """Those with which there was anything to compare."""
    return tuple(
        Share(comparison.asset.replace("/", "."), comparison.in_words, *comparison.bounds, comparison.target / ALL)
        for comparison in comparisons
        if comparison.bounds is not None
    )
