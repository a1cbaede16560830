"""L2BEAT: what its own totals say of a day for all projects together, beside the series of each that a load asks for.

`GET /scaling/activity` and `/scaling/tvs` with `type=projects&projectIds=a,b,…` (l2beat/l2beat at 0b3858b,
`PublicApiRouter/index.ts`, `getScalingActivityApiData.ts`, `getScalingTvsApiData.ts`): one request for one sum over the projects.
"""

from __future__ import annotations

from datetime import timedelta

from oso_dagster.connectors.answers import AnswerError, take, take_list
from oso_dagster.connectors.http.pacing import Pace
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.second_count import Held, Measure, SecondCount, TrueCount
from oso_dagster.sources._second_counts.days import day_before_load

_PROJECTS = "l2beat.projects.id"
_PACE = Pace(concurrency=1, per_second=1)
_DAY = timedelta(days=1)


def total_of(path: str, parts: tuple[str, ...], held: Held, days: int) -> SecondCount:
    """The sum of `parts` of the chart at `path` over all projects, `days` days before the last load, when it was final."""

    def count(request: ExtractRequest) -> list[TrueCount]:
        from oso_dagster.connectors.http.rest import client_of  # noqa: PLC0415  (HTTP loads when used)

        client, day = client_of(request, _PACE), day_before_load(request, days)
        url, ids = f"{request.settings['url']}/{path}", ",".join(sorted(request.inputs[_PROJECTS]))
        answer = client.get(url, {"range": "30d", "type": "projects", "projectIds": ids})
        with client.trusting(url):
            if take(answer.document, "success") is not True:
                raise AnswerError(f"success is false: {answer.document.get('error')}")
            names = take_list(answer.document, "data", "chart", "types")
            points = [dict(zip(names, point, strict=True)) for point in take_list(answer.document, "data", "chart", "data")]
            of_day = [point for point in points if point.get("timestamp") == day.timestamp()]
            if not of_day or any(take(of_day[0], part) is None for part in parts):
                raise AnswerError(f"the chart has no total of {day:%Y-%m-%d} yet")
            total = round(sum(of_day[0][part] for part in parts))
        return [TrueCount("", total, total, day, day + _DAY)]

    return SecondCount(
        "L2BEAT's own total of a day over all projects, one sum instead of their series", count, held, needs=(_PROJECTS,)
    )


TRANSACTIONS = total_of("scaling/activity", ("count",), Held(Measure.SUM, "transactions"), days=2)
VALUE = total_of(
    "scaling/tvs", ("native", "canonical", "external"), Held(Measure.SUM, "native", also=("canonical", "external")), days=1
)
