"""The two sensors of alerting, running by default. What they do in a tick is in `alert_round`, which loads when they tick.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from collections.abc import Sequence

import dagster as dg

from oso_dagster.domain.catalogue.source import Source
from oso_dagster.orchestration.clock import utc_now
from oso_dagster.settings import Settings


def alert_sensors(
    settings: Settings, sources: Sequence[Source], assets: Sequence[dg.AssetsDefinition], models: Sequence[dg.AssetSpec]
) -> list[dg.SensorDefinition]:
    """`remedial_alerts` runs a round of alerting; `alert_watch` reports when it stops.

    `assets` are those whose failing checks become alerts; the SQLMesh `models` are among them.
    """
    checks = [key for asset in assets for key in sorted(asset.check_keys)]

    @dg.sensor(
        name="remedial_alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Opens and closes remedial sprints; reports on Discord and in the log what is wrong and what has recovered.",
    )
    def _alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from oso_dagster.orchestration.alerts import alert_round, weekly_digest  # noqa: PLC0415  (SQLAlchemy loads when used)
        from oso_dagster.orchestration.objectives import watched_platform  # noqa: PLC0415
        from oso_dagster.orchestration.watch import heartbeats, incident_round  # noqa: PLC0415
        from oso_dagster.reliability.store import Store  # noqa: PLC0415

        platform = watched_platform.Platform(settings, sources, models, checks, compares_records=True)
        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            changes = alert_round.run_round(platform, store, context.instance, utc_now())
            changes += weekly_digest.announce_week(platform, store, context.instance, utc_now())
            heartbeats.beat(store, heartbeats.ALERTS, utc_now())  # afterwards: a sensor that fails at each tick is silent
            sent = incident_round.send(settings, store, context.log, utc_now).sent
        return dg.SkipReason(f"{len(changes)} incidents changed, {sent} messages sent")

    @dg.sensor(
        name="alert_watch",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports when remedial_alerts is silent, delivers what it left undelivered, deletes old runs of own jobs, "
        "sets the maximum of every run.",
    )
    def _watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from oso_dagster.orchestration.upkeep import pruning, run_limits  # noqa: PLC0415
        from oso_dagster.orchestration.watch import heartbeats, incident_round  # noqa: PLC0415
        from oso_dagster.reliability.store import Store  # noqa: PLC0415

        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            changes = incident_round.report_silence(settings, store, heartbeats.WATCH, utc_now())
            heartbeats.beat(store, heartbeats.WATCH, utc_now())
            sent = incident_round.send(settings, store, context.log, utc_now).sent
        pruned = pruning.prune(context.instance, utc_now())
        run_limits.set_limits(context.instance, sources, utc_now())
        return dg.SkipReason(f"{len(changes)} incidents changed, {sent} messages sent, {pruned} old runs of the platform deleted")

    return [_alerts, _watch]
