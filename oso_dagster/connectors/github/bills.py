"""Bills of materials of many repositories, until the rate limit comes: each is ordered, and fetched once GitHub has made it.

What is asked of GitHub for one is `reports`'; here is a run over many: batches, what is not ready yet, what becomes of absences.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from oso_dagster.connectors.answers import take
from oso_dagster.connectors.github import rest_api
from oso_dagster.connectors.github.reports import Pending, Reports
from oso_dagster.connectors.http.absence import AbsentError
from oso_dagster.connectors.http.rest import Answer, Client, RateLimitedError, RestError
from oso_dagster.connectors.items import Items
from oso_dagster.connectors.rounds import AGAIN, Round
from oso_dagster.connectors.undeclared import Known, carried
from oso_dagster.domain.catalogue.loading import CONTINUATION, CUT_SHORT, LoadFacts
from oso_dagster.domain.catalogue.truth import FEWEST_VANISHED, named

_BATCH = 200
SWEEPS = (2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds before each time that the reports are asked for that were not ready, at the end of a run; two minutes in all."""


_Row = dict[str, Any]
_Batch = tuple[list[_Row], list[_Row]]


class Bills:
    """One run over repositories' bills of materials: a row for each repository, and one for each package, in batches.

    A row also holds the plain values of fields that are not known of a `bill` or a `package`; `unknown` names all others.
    """

    def __init__(self, asking: Client, api: str, now: datetime, bill: Known, package: Known) -> None:
        self._client, self._api, self._now, self._bill, self._package = asking, api, now, bill, package
        self._reports = Reports(asking, api)
        self._pending: dict[str, Pending] = {}
        self._limit: RateLimitedError | None = None
        self.unknown: set[str] = set()
        self._bare = 0
        self.found: list[str] = []

    def run(self, this_round: Round, facts: LoadFacts, items: Items, again: Collection[str] = ()) -> Iterator[_Batch]:
        """Documents and packages, some hundred repositories at a time, until the limit. Raises RestError.

        `again` are names that earlier runs of the week left to be asked for; a round over no others ends with them.
        """
        names = this_round.names
        for begin in range(0, len(names), _BATCH):
            if self._limit is None:
                yield self._batch(items.each(names[begin : begin + _BATCH], self._reports.order, self._client.each), items)
        if self._limit is not None:
            if not items.asked:
                raise self._limit
            this_round.cut(facts, self._limit, items.asked)
            if set(names) == set(again):
                del facts[CONTINUATION]
        yield from self._sweep(items)
        self._refuse_nonsense(items)
        yield [self._absent(name) for name in items.gone], []
        items.tell(facts)
        if self._pending:
            waits = f"{len(self._pending):,} reports were not ready at the end of the run ({named(self._pending)})"
            facts[CUT_SHORT] = f"{waits}; {facts[CUT_SHORT]}" if facts.get(CUT_SHORT) else f"{waits}; the next run asks again"
        facts[AGAIN] = sorted({*items.set_aside, *self._pending, *(set(again) - set(self.found) - items.gone.keys())})

    def _batch(self, answers: Iterator[tuple[str, Answer | Pending]], items: Items) -> _Batch:
        """The rows of what is ready, until the limit comes; what is not stays pending."""
        batch: _Batch = ([], [])
        try:
            for name, answer in answers:
                self._note(name, answer, batch, items)
        except RateLimitedError as error:
            self._limit = error
        return batch

    def _note(self, name: str, answer: Answer | Pending, batch: _Batch, items: Items) -> None:
        if isinstance(answer, Pending):
            self._pending[name] = answer
            return
        self._pending.pop(name, None)
        try:
            document, listed = self._read(name, answer)
        except RestError as error:
            items.put_aside(name, error)
        else:
            batch[0].append(document)
            batch[1].extend(listed)

    def _sweep(self, items: Items) -> Iterator[_Batch]:
        """Ask again for the reports that were not ready, with growing pauses, until all are or the limit comes."""
        for pause in SWEEPS:
            if not self._pending or self._limit is not None:
                return
            time.sleep(pause)
            yield self._batch(self._ready(items), items)

    def _ready(self, items: Items) -> Iterator[tuple[str, Answer | Pending]]:
        waiting = dict(self._pending)

        def again(name: str) -> Answer | Pending | Exception:
            try:
                return self._reports.fetch(waiting[name])
            except RateLimitedError:
                raise
            except (RestError, AbsentError) as error:
                return error

        with closing(self._client.each(waiting, again)) as answers:
            for name, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, Exception):
                    del self._pending[name]
                    items.put_aside(name, answer)
                else:
                    yield name, answer

    def _read(self, name: str, answer: Answer) -> tuple[_Row, list[_Row]]:
        with self._client.trusting(answer.url):
            bill: Mapping[str, Any] = answer.document
            bill = bill["sbom"] if isinstance(bill, Mapping) and "sbom" in bill else bill
            listed = rest_api.packages(bill, name, self._package, self.unknown)
            created = take(bill, "creationInfo", "created")
            row: _Row = {"repository": name, "status": "found", "package_count": len(listed)}
            row |= {"created_at": created, "checked_at": self._now.isoformat()}
            self._bare += not listed
            self.found.append(name)
            return carried(bill, self._bill, row, self.unknown) | row, listed

    def _absent(self, name: str) -> _Row:
        row: _Row = {"repository": name, "status": "absent", "package_count": 0, "created_at": None}
        return row | {"checked_at": self._now.isoformat()}

    def _refuse_nonsense(self, items: Items) -> None:
        if not self.found and len(items.gone) > FEWEST_VANISHED:
            raise RestError(
                f"{self._api}: none of {items.asked:,} repositories has a bill of materials ({named(items.gone)}), which says "
                "more of the endpoint than of them. The old rows stay; check the endpoint, then run again"
            )
        if self._bare and self._bare == len(self.found):
            raise RestError(
                f"{self._api}: none of {len(self.found):,} bills of materials names a package, not even its own repository. "
                "The old rows stay; check the endpoint, then run again"
            )
