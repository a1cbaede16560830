"""`oso status announce`, `announcements` and `withdraw`: what a person has the status page say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.moments import moment
from oso_dagster.cli.session.person import Who, person
from oso_dagster.cli.session.terminal import Json, console, listing, number, refusal, say, say_json, under

if TYPE_CHECKING:
    from oso_dagster.reliability.public_notices import PublicNotice
    from oso_dagster.reliability.store import Store


def register(app: typer.Typer) -> None:
    """Add the commands to `oso status`."""
    app.command("announce")(announce)
    app.command("announcements")(list_announcements)
    app.command("withdraw")(withdraw)


def announce(
    text: Annotated[str, typer.Argument(help="What every reader of the status page should know.")],
    start: Annotated[
        str | None, typer.Option("--from", help="From when on it is shown; without a zone it is UTC. Default: now.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", "--until", help="Until when it is shown. Default: until it is withdrawn.")
    ] = None,
    who: Who = None,
) -> None:
    """Announce something on the status page; it appears with the next page.

    Example: `oso status announce "On Monday the SQL endpoint moves to a new address." --to 2027-03-08`
    """
    begins, ends = moment(start), None if end is None else moment(end)
    if ends is not None and ends <= datetime.now(UTC):
        raise refusal(f"{ends:%Y-%m-%d %H:%M} UTC has passed: nobody would read the announcement; --to takes a time to come")
    with _store() as store:
        try:
            known_as = store.public_notices.add(text, begins, ends, person(who))
        except ValueError as error:
            raise refusal(str(error)) from None
    say(f"announced as number {known_as}; `oso status build` publishes it now, the next page otherwise")


def list_announcements(as_json: Json = False) -> None:
    """List every announcement, the newest first.

    Example: `oso status announcements`
    """
    with _store() as store:
        notices = store.public_notices.all()
    if as_json:
        say_json([_data(notice) for notice in notices])
        return
    if not notices:
        say("nothing was ever announced")
        return
    table = listing(number("number"), "text, until, who", Column("from (UTC)", no_wrap=True))
    for notice in notices:
        until = f"until {notice.until:%Y-%m-%d %H:%M} UTC" if notice.until else "until it is withdrawn"
        table.add_row(str(notice.number), under(notice.text, until, notice.who), f"{notice.at:%Y-%m-%d %H:%M}")
    console().print(table)


def withdraw(which: Annotated[int, typer.Argument(metavar="NUMBER", help="Its number in `oso status announcements`.")]) -> None:
    """Withdraw an announcement: the next page shows it as past.

    Example: `oso status withdraw 3`
    """
    with _store() as store:
        if not store.public_notices.withdraw(which, datetime.now(UTC)):
            raise refusal(f"no announcement {which} stands; `oso status announcements` lists them")
    say("withdrawn")


def _data(notice: PublicNotice) -> dict[str, object]:
    until = notice.until.isoformat() if notice.until else None
    return {"number": notice.number, "from": notice.at.isoformat(), "until": until, "who": notice.who, "text": notice.text}


@contextmanager
def _store() -> Iterator[Store]:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    settings = settings_without_sources()
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        yield store
