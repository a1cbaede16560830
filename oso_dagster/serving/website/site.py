"""The pages by their addresses: asked of the engine, written by Jinja2, kept until the data or what is known of them changes."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from oso_dagster.serving.access.admission import Caller
from oso_dagster.serving.endpoints.door import Door, judged
from oso_dagster.serving.endpoints.forms import FORMS
from oso_dagster.serving.endpoints.streaming import in_thread
from oso_dagster.serving.failures import Outcome, RefusedError
from oso_dagster.serving.limits import KeyLimits
from oso_dagster.serving.outcomes import Outcomes
from oso_dagster.serving.website import embedded
from oso_dagster.serving.website.comparing import DRAWN, comparison_of, drawn_over_time
from oso_dagster.serving.website.courses import pieces
from oso_dagster.serving.website.families import LEADING, drawn, families, sections
from oso_dagster.serving.website.reading import LIMITS, Metric, Reader, ranking_sql, series_sql
from oso_dagster.serving.website.rendering import picture, safe_headers, templates
from oso_dagster.serving.website.standing import standings
from oso_dagster.serving.website.stated import withheld_families

_READERS = Caller("website", KeyLimits(per_minute=60_000, at_once=100), ())
"""The pages together: they are cheap, and must not keep out who asks by SQL."""
_KEPT = 2_000
_KEPT_BYTES = 128 * 1024**2
_LONGEST_KEPT = 500
"""Characters of an address whose answer is kept."""
_PROJECT = (
    "marts.projects_v1",
    "marts.key_metrics_by_project_v0",
    "marts.timeseries_metrics_by_project_v0",
    "marts.metric_coverage_v0",
    "marts.artifacts_v1",
)
_COLLECTION = ("marts.collections_v1", "marts.projects_by_collection_v1", "marts.key_metrics_by_project_v0")
_START = ("marts.projects_v1", "marts.collections_v1", "marts.artifacts_v1", "marts.metrics_v0")


class Site:
    """The pages. `made_at` says when the copy that is read was taken; `address` is where readers reach them."""

    def __init__(self, door: Door, made_at: Callable[[], datetime | None], address: str = "") -> None:
        self._address = address
        self._door = replace(door, outcomes=Outcomes())  # what the objective counts are questions in SQL, not pages
        self._made_at = made_at
        self._reader = Reader(door.engine)
        self._kept = _Kept()
        self._kept_of: object = None

    def routes(self) -> list[Route]:
        """What is answered where."""
        pages: dict[str, Callable[[Request], Response]] = {
            "/": self._start,
            "/collections": self._collections,
            "/collections/{name}": self._collection,
            "/metrics": self._metrics,
            "/projects/{name}": self._project,
            "/projects/{name}/{metric}": self._metric,
            "/projects/{name}/{metric}/badge.svg": self._badge,
            "/projects/{name}/{metric}/chart.svg": self._chart,
            "/compare": self._compare,
            "/sitemap.xml": self._sitemap,
        }
        return [Route(path, self._answering(make), methods=["GET"]) for path, make in pages.items()]

    def _answering(self, make: Callable[[Request], Response]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            state = (self._made_at(), self._door.provenance().known_at)
            if state != self._kept_of:
                self._kept_of, self._kept = state, _Kept()
            keep = self._kept  # what is made of this state is not kept as made of the next
            where = f"{'' if self._address else request.base_url} {request.url.path}?{request.url.query}"
            if kept := keep.answers.get(where):
                return Response(kept[0], headers=kept[1])
            try:
                async with judged(self._door), self._door.admission.room(_READERS):
                    response = await in_thread(make, request)
            except RefusedError as refused:
                return self._problem(refused)
            keep.add(where, bytes(response.body), dict(response.headers))  # the middleware changes the response itself
            return response

        return answer

    def _start(self, request: Request) -> Response:
        asked = request.query_params.get("q", "").replace("\x00", "").strip()[:100]
        if asked:
            return self._page("start.html", _START, request, asked=asked, matches=self._reader.search(asked))
        metrics = self._reader.metrics()
        metric = metrics.get(LEADING)
        leading = self._reader.leading(metric, 10) if metric else []
        return self._page("start.html", _START, request, asked="", counts=self._reader.counts(), metric=metric, leading=leading)

    def _collections(self, request: Request) -> Response:
        return self._page("collections.html", _COLLECTION[:2], request, collections=self._reader.collections())

    def _collection(self, request: Request) -> Response:
        collection = self._reader.collection(request.path_params["name"])
        metrics = self._reader.metrics()
        metric = _chosen(
            metrics, request.query_params.get("metric") or (LEADING if LEADING in metrics else next(iter(metrics), ""))
        )
        if form := request.query_params.get("format"):
            return self._file(ranking_sql(collection, metric), form, f"{collection.name}-{metric.name}")
        ranking = self._reader.ranking(collection, metric)
        return self._page(
            "collection.html", _COLLECTION, request, collection=collection, metric=metric, metrics=metrics, ranking=ranking
        )

    def _metrics(self, request: Request) -> Response:
        return self._page("metrics.html", ("marts.metrics_v0",), request, families=families(self._reader.metrics().values()))

    def _project(self, request: Request) -> Response:
        project = self._reader.project(request.path_params["name"])
        metrics = self._reader.metrics()
        values = self._reader.values_of(project, metrics)
        series = self._reader.series_of(project, drawn(values, metrics))
        stated = standings(self._reader, metrics.values())
        courses = {name: pieces(metrics[name], points, stated[name].withheld())[0] for name, points in series.items()}
        return self._page(
            "project.html",
            _PROJECT,
            request,
            project=project,
            collections=self._reader.collections_of(project),
            sections=sections(values, courses),
            values=dict(sorted(values.items())),
            stated=stated,
            withheld=withheld_families(stated, metrics, values),
            artifacts=self._reader.artifacts_of(project),
        )

    def _metric(self, request: Request) -> Response:
        project, metrics = self._reader.project(request.path_params["name"]), self._reader.metrics()
        metric = _chosen(metrics, request.path_params["metric"])
        if form := request.query_params.get("format"):
            return self._file(f"{series_sql(project, [metric])} ORDER BY sample_date", form, f"{project.name}-{metric.name}")
        chart, gaps, over_time, standing = drawn_over_time(self._reader, project, metric)
        value = self._reader.values_of(project, metrics).get(metric.name)
        return self._page(
            "metric.html",
            _PROJECT[:4],
            request,
            project=project,
            metric=metric,
            over_time=over_time,
            chart=chart,
            gaps=gaps,
            value=value,
            standing=standing,
        )

    def _badge(self, request: Request) -> Response:
        project, metrics = self._reader.project(request.path_params["name"]), self._reader.metrics()
        metric = _chosen(metrics, request.path_params["metric"])
        value = self._reader.values_of(project, metrics).get(metric.name)
        before = standings(self._reader, [metric])[metric.name].before(value.at) if value else ""
        return picture(embedded.badge(metric, value, before, self._door.world))

    def _chart(self, request: Request) -> Response:
        project = self._reader.project(request.path_params["name"])
        metric = _chosen(self._reader.metrics(), request.path_params["metric"])
        drawing = drawn_over_time(self._reader, project, metric)[0]
        return picture(embedded.chart(drawing, f"{metric.title} of {project.title}", self._door.world))

    def _compare(self, request: Request) -> Response:
        asked = [name for text in request.query_params.getlist("project") for name in text.replace("\x00", "").split(",")]
        names = list(dict.fromkeys(name.strip() for name in asked if name.strip()))
        metrics = self._reader.metrics()
        chosen = request.query_params.get("metric") or (DRAWN if DRAWN in metrics else "")
        metric = _chosen(metrics, chosen) if chosen else None
        comparison = comparison_of(self._reader, names, metrics, metric)
        return self._page("compare.html", _PROJECT, request, comparison=comparison, names=names, metrics=metrics, metric=metric)

    def _sitemap(self, request: Request) -> Response:
        base = self._address.rstrip("/") or str(request.base_url).rstrip("/")
        text = templates().get_template("sitemap.xml").render(base=base, paths=self._reader.paths(), made_at=self._made_at())
        return Response(text, media_type="application/xml", headers={"Cache-Control": "public, max-age=3600"})

    def _page(self, template: str, tables: tuple[str, ...], request: Request, **values: Any) -> Response:
        text = (
            templates()
            .get_template(template)
            .render(
                tables=tables,
                provenance=self._door.provenance(),
                made_at=self._made_at(),
                world=self._door.world,
                here=request.url.path,
                **values,
            )
        )
        return HTMLResponse(text, headers=safe_headers() | self._door.headers(tables) | {"Cache-Control": "public, max-age=60"})

    def _problem(self, refused: RefusedError) -> Response:
        lost = refused.status == 404  # noqa: PLR2004  (HTTP's)
        empty = refused.outcome is Outcome.OVERLOAD and self._made_at() is None  # there is no copy before the first load
        text = (
            templates()
            .get_template("problem.html")
            .render(
                tables=(),
                provenance=self._door.provenance(),
                made_at=self._made_at(),
                world=self._door.world,
                here="",
                heading="There is no such page" if lost else "No data yet" if empty else "This cannot be shown now",
                message=refused.message,
                empty=empty,
                full=refused.outcome is Outcome.OVERLOAD,
            )
        )
        return HTMLResponse(text, status_code=refused.status, headers=safe_headers() | {"Cache-Control": "no-store"})

    def _file(self, sql: str, name: str, called: str) -> Response:
        """The rows of a page as a file."""
        form = next((form for form in FORMS if form.name == name and not form.as_json), None)
        if form is None:
            raise RefusedError("a file is csv, arrow or parquet", Outcome.USER)
        running = self._door.engine.open(sql, LIMITS, as_json=False)
        try:
            running.begin()
            body = b"".join(form.make(running, ""))
        finally:
            running.close()
        plain = re.sub(r"[^\w.-]", "_", called)
        return Response(
            body, media_type=form.media, headers={"Content-Disposition": f'attachment; filename="{plain}.{form.name}"'}
        )


class _Kept:
    """Answers by their whole address: with the host where pages name it, which is whatever a client says."""

    def __init__(self) -> None:
        self.answers: OrderedDict[str, tuple[bytes, dict[str, str]]] = OrderedDict()
        self._size = 0

    def add(self, where: str, body: bytes, headers: dict[str, str]) -> None:
        """Keep one; the oldest go when there are too many, or they are too large together."""
        if len(where) > _LONGEST_KEPT:
            return
        self._size += len(body) - len(self.answers.pop(where, (b"",))[0])
        self.answers[where] = body, headers
        while len(self.answers) > _KEPT or self._size > _KEPT_BYTES:
            self._size -= len(self.answers.popitem(last=False)[1][0])


def _chosen(metrics: dict[str, Metric], name: str) -> Metric:
    if name not in metrics:
        raise RefusedError(f"there is no metric called {name[:80]}", Outcome.USER, status=404)
    return metrics[name]
