"""Which metrics are withheld or lower bounds now, as the copy of the warehouse that is read states it."""

from __future__ import annotations

import logging

from oso_dagster.serving.engine.base import Engine
from oso_dagster.serving.failures import RefusedError
from oso_dagster.serving.limited_metrics import Limit, LimitedMetrics
from oso_dagster.serving.published import Published
from oso_dagster.serving.website.reading import Reader

_TABLE, _METRICS = "marts.metric_coverage_v0", "marts.metrics_v0"
_log = logging.getLogger("oso_dagster.serving")


def limits_of_metrics(engine: Engine, published: Published) -> LimitedMetrics:
    """No limits where the marts are not made yet."""
    if not {_TABLE, _METRICS} <= set(published.tables):
        return LimitedMetrics()
    try:
        rows = Reader(engine).rows(f"""
            SELECT entity_type, metric_source, metric, standing,
                coalesce(CAST(since AS VARCHAR), ''), coalesce(CAST(until AS VARCHAR), ''), reason,
                metric NOT IN (
                    SELECT regexp_extract(sql_source_path, '([^/]+)[.]yaml$', 1) FROM {_METRICS}
                    WHERE sql_source_path IS NOT NULL AND aggregation_function NOT IN ('sum', 'count_distinct'))
            FROM {_TABLE} WHERE standing IN ('withheld', 'lower_bound') ORDER BY ALL""")  # noqa: S608  (a name of ours)
    except RefusedError as refused:
        _log.debug("no limits of metrics: %s", refused.message)
        return LimitedMetrics()
    limits: dict[tuple[str, str, str], tuple[Limit, ...]] = {}
    for entity, source, metric, standing, since, until, reason, bounds in rows:
        key = (str(entity), str(source), str(metric))
        limits[key] = (*limits.get(key, ()), Limit(str(standing), str(since), str(until), str(reason), bool(bounds)))
    return LimitedMetrics(limits)
