"""A code location whose sensors deliver what is in the outbox, as the platform's do; a real daemon runs it in the campaign.

No postponed annotations in this file: Dagster reads the context's class from the function's own.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from oso_dagster.alerting.channels import senders
from oso_dagster.alerting.delivery import Clock, deliver
from oso_dagster.reliability.store import Store
from oso_dagster.settings import read_settings


def _sensor(name: str) -> dg.SensorDefinition:
    @dg.sensor(name=name, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
    def _deliver(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = read_settings()
        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            reachable = senders(settings, context.log)
            clock = Clock(lambda: datetime.now(UTC))
            report = deliver(store.outbox, store.channels, reachable, clock, timedelta(seconds=10), context.log, try_seconds=1.0)
        return dg.SkipReason(f"{report.sent} sent, {report.postponed} postponed")

    return _deliver


# More than one, as on the platform: a channel that failed in one tick gets its next chance in the other's.
defs = dg.Definitions(sensors=[_sensor(f"deliver_{number}") for number in (1, 2, 3)])
