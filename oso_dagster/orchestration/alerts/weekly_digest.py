"""The weekly digest: read from the store, the catalogue and the newest checks of loads; announced once a week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord, AssetCheckExecutionRecordStatus

from oso_dagster.alerting.channels import routes
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.announcing import IncidentChange, IncidentMemory
from oso_dagster.domain.alerts.occurrence import IncidentRecord
from oso_dagster.domain.alerts.weekly import WEEK, ObjectiveWeek, Remark, RetiredSource, Week, weekly_of
from oso_dagster.domain.catalogue.source import Source, Stability
from oso_dagster.domain.coverage.comparison import MEASURED_WITHIN
from oso_dagster.domain.judging.load_checks import SET_ASIDE, UPSTREAM_NOTICE
from oso_dagster.domain.objectives.over_time.history import breaches_of
from oso_dagster.orchestration.labels import asset_key
from oso_dagster.orchestration.ledger.dagster_tables import moment
from oso_dagster.orchestration.objectives.watched_platform import Platform
from oso_dagster.orchestration.watch.incident_round import alert_links
from oso_dagster.reliability.store import Store

_LOOKED_BACK = 200
"""How many results of a check are gone through for the first of a row that failed."""


def announce_week(platform: Platform, store: Store, instance: dg.DagsterInstance, now: datetime) -> list[IncidentChange]:
    """Announce the digest if this week's is still to come; two rounds at once announce it once."""
    settings, hours = platform.settings, platform.settings.hours()
    known = store.results.first_seen().values()
    began = min(known, default=None)
    if began is None or not hours.weekly_due(store.incidents.last_weekly(now), began, now):
        return []
    digest = weekly_of(week_of(store, platform.sources, instance, now), alert_links(settings))

    def decide(memory: IncidentMemory) -> list[IncidentChange]:
        if not hours.weekly_due(memory.last_weekly, began, now):
            return []
        return [IncidentChange(IncidentRecord(digest, 1, now), stands=False, kinds=(AnnouncementKind.RAISED,))]

    return store.incidents.settle(decide, (), settings.world.value, routes(settings), now)


def week_of(store: Store, sources: Sequence[Source], instance: dg.DagsterInstance, now: datetime) -> Week:
    """The week up to `now`, as the store and Dagster's storage have it. Judges nothing anew."""
    since = now - WEEK
    return Week(
        until=now,
        objectives=[
            ObjectiveWeek(
                f"{row.service}.{row.objective}",
                row.verdict,
                row.summary,
                row.budget,
                breaches_of([past for past in store.results.past_verdicts(row.service, row.objective, since) if past.at <= now]),
            )
            for row in store.latest_verdicts(now)
        ],
        sprints=store.sprints.since(since),
        notices=list(_warnings(instance, sources, UPSTREAM_NOTICE.name)),
        set_aside=list(_warnings(instance, sources, SET_ASIDE.name)),
        coverage=store.comparisons.newest(now, now - MEASURED_WITHIN),
        retired=[
            RetiredSource(source.name, source.retired.since, source.retired.reason)
            for source in sources
            if source.retired is not None
        ],
        unstable={source.name for source in sources if source.stability is Stability.UNSTABLE},
    )


def _warnings(instance: dg.DagsterInstance, sources: Sequence[Source], check: str) -> Iterator[Remark]:
    """What the newest result of a check says of each table that failed it, and since when it has failed.

    An announcement is another one when its text is another; of what is set aside the text has the items of the day.
    """
    keys = [dg.AssetCheckKey(asset_key(source, table), check) for source in sources for table in source.tables]
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for key in sorted(key for key, record in newest.items() if _text(record)):
        text, since = _text(newest[key]), _at(newest[key])
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=_LOOKED_BACK):
            if not _text(record) or (check == UPSTREAM_NOTICE.name and _text(record) != text):
                break
            since = _at(record)
        yield Remark(key.asset_key.to_user_string(), text, since)


def _text(record: AssetCheckExecutionRecord) -> str:
    """What a failed result says; empty of one that did not fail."""
    event = record.event.dagster_event if record.event else None
    if record.status is not AssetCheckExecutionRecordStatus.FAILED or event is None:
        return ""
    return event.asset_check_evaluation_data.description or ""


def _at(record: AssetCheckExecutionRecord) -> datetime:
    """When it was said; the record itself is kept to the second."""
    return moment(record.event.timestamp if record.event else record.create_timestamp)
