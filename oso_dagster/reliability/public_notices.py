"""Public announcements: what a person has the status page say, from when until when. Nothing is removed: withdrawing ends one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update

from oso_dagster.domain.printable import require_storable
from oso_dagster.reliability.database import Database
from oso_dagster.reliability.declaration_tables import public_notices

_TABLE = public_notices


@dataclass(frozen=True)
class PublicNotice:
    """One announcement, known by its number; `until` None: it is shown until somebody withdraws it. `who` is for the team."""

    number: int
    at: datetime
    until: datetime | None
    who: str
    text: str


class PublicNotices:
    """Reads and writes public announcements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, text: str, at: datetime, until: datetime | None, who: str) -> int:
        """Announce something; its number. Raises ValueError without a text that can be kept, or an end not after its begin."""
        if not text.strip():
            raise ValueError("an announcement needs a text")
        require_storable("the announcement", text)
        require_storable("the name of who announces it", who)
        if until is not None and until <= at:
            raise ValueError(
                f"it would end at {until:%Y-%m-%d %H:%M} UTC and begin at {at:%Y-%m-%d %H:%M}: an announcement ends later"
            )
        values = {"at": at, "until": until, "who": who, "text": text.strip()}
        with self._database.writing() as connection:
            number: int = connection.execute(_TABLE.insert().values(values).returning(_TABLE.c.number)).scalar_one()
        return number

    def withdraw(self, number: int, now: datetime) -> bool:
        """End an announcement at `now`; False for one that does not exist or is over."""
        standing = (_TABLE.c.number == number, or_(_TABLE.c.until.is_(None), _TABLE.c.until > now))
        with self._database.writing() as connection:
            return bool(connection.execute(update(_TABLE).where(*standing).values(until=now)).rowcount)

    def all(self, since: datetime | None = None) -> list[PublicNotice]:
        """Those that were shown at `since` or later, the newest first."""
        query = select(_TABLE.c.number, _TABLE.c.at, _TABLE.c.until, _TABLE.c.who, _TABLE.c.text)
        if since is not None:
            query = query.where(or_(_TABLE.c.until.is_(None), _TABLE.c.until > since))
        with self._database.reading() as connection:
            return [PublicNotice(*row) for row in connection.execute(query.order_by(_TABLE.c.at.desc(), _TABLE.c.number.desc()))]
