"""Status pages at the limits: as large as the platform may become, and one that holds what an attacker would name things."""

from __future__ import annotations

from oso_dagster.domain.status.data_sets import DataGroup
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, Update, Work
from tests.statuspage.pages import MONTH, NOW, data_set, objective, page

GROUPS = 15
HOSTILE = (
    '<script>window.hacked=1</script>"\'><img src=x onerror="window.hacked=1">{{ 7*7 }}</style></script><!--\u202eevil\ud800\x00'
)


def many(sets: int = 500, objectives: int = 12) -> StatusPage:
    """A page as large as the platform may become: 500 data sets of 15 sources, 12 objectives of 6 services."""
    services = tuple(
        ServiceState(
            f"service_{at}", f"Service {at}", "One line.", tuple(objective(id=f"service_{at}.{number}") for number in range(2))
        )
        for at in range(objectives // 2)
    )
    groups = tuple(
        DataGroup(
            f"source_{at}", f"Source {at}", "", tuple(data_set(f"source_{at}/table_{number}") for number in range(sets // GROUPS))
        )
        for at in range(GROUPS)
    )
    return page(services, groups)


def hostile() -> StatusPage:
    """Every text an attacker could set, set by one."""
    bad = objective(id=HOSTILE, title=HOSTILE, summary=HOSTILE, guilty=(HOSTILE,))
    return page(
        (ServiceState(HOSTILE, HOSTILE, HOSTILE, (bad,)),),
        (
            DataGroup(
                HOSTILE,
                HOSTILE,
                "javascript:window.hacked=1",
                (data_set(HOSTILE, title=HOSTILE, owner=HOSTILE, tainted_by=(HOSTILE,), due_partitions=9, holes=(HOSTILE,)),),
            ),
        ),
        HOSTILE,
        incidents=(
            PublicIncident(
                HOSTILE,
                HOSTILE,
                HOSTILE,
                NOW,
                link="data:text/html,<script>window.hacked=1</script>",
                service=HOSTILE,
                objective=HOSTILE,
                affected=(HOSTILE,),
                owners=(HOSTILE,),
                sprint=True,
                updates=(Update(NOW, HOSTILE),),
            ),
        ),
        works=(Work(HOSTILE, HOSTILE, HOSTILE, NOW, NOW + MONTH, HOSTILE),),
        notices=(HOSTILE,),
        announcements=(PublicAnnouncement(1, HOSTILE, NOW),),
    )
