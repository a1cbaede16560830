"""`oso keys`: the API keys of the public door."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column

from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.terminal import Json, console, listing, number, refusal, say, say_json, under

if TYPE_CHECKING:
    from oso_dagster.serving.access.keys import Key, Keys

app = typer.Typer(no_args_is_help=True, help="API keys of the public door (`oso serve`): made, listed, revoked.")


@app.callback()
def group() -> None:
    """API keys of the public door (`oso serve`)."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="For whom or what: shown in the list.")],
    scope: Annotated[list[str] | None, typer.Option(help="What it may do: sql, export. Both, if not given.")] = None,
    days: Annotated[int, typer.Option(min=0, help="After how many days it expires; 0: never.")] = 365,
    per_minute: Annotated[int, typer.Option(min=1, help="Questions in a minute.")] = 120,
    at_once: Annotated[int, typer.Option(min=1, help="Queries at the same time.")] = 5,
) -> None:
    """Make a key and print it: this once, since only its hash is kept.

    Example: `oso keys create "notebooks of the data team" --days 90`
    """
    from oso_dagster.orchestration.clock import utc_now  # noqa: PLC0415
    from oso_dagster.serving.access.keys import SCOPES  # noqa: PLC0415
    from oso_dagster.serving.limits import KeyLimits  # noqa: PLC0415

    now = utc_now()
    try:
        key, text = _keys().create(
            name,
            now,
            scopes=scope or SCOPES,
            expires_at=now + timedelta(days=days) if days else None,
            limits=KeyLimits(per_minute, at_once),
        )
    except ValueError as error:
        raise refusal(error) from None
    say(text)
    until = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "without end"
    say(f"{key.id}: {name}, {', '.join(key.scopes)}, {until}. It is shown this once.", err=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Every key, the newest first; never the key itself.

    Example: `oso keys list`
    """
    keys = _keys().all()
    if as_json:
        say_json([_values(key) for key in keys])
        return
    if not keys:
        say("there is no key: `oso keys create NAME` makes one")
        return
    table = listing("id, for whom, what it may do", number("a minute"), number("at once"), Column("made", no_wrap=True), "state")
    for key in keys:
        limits = key.limits
        made = f"{key.created_at:%Y-%m-%d}"
        about = under(key.id, key.name, ", ".join(key.scopes))
        table.add_row(about, f"{limits.per_minute:,}", f"{limits.at_once:,}", made, _state(key))
    console().print(table)


@app.command()
def revoke(id_: Annotated[str, typer.Argument(metavar="ID", help="The id that `oso keys list` shows.")]) -> None:
    """Make a key useless, at once and for ever.

    Example: `oso keys revoke 1f3a90bc`
    """
    from oso_dagster.orchestration.clock import utc_now  # noqa: PLC0415
    from oso_dagster.serving.access.keys import NoKeyError  # noqa: PLC0415

    try:
        key = _keys().revoke(id_, utc_now())
    except NoKeyError as error:
        raise refusal(error) from None
    say(f"{key.id} ({key.name}): {_state(key)}")


def _keys() -> Keys:
    from oso_dagster.orchestration.public_door.keys_of_world import keys_of  # noqa: PLC0415  (SQLAlchemy loads when used)

    return keys_of(settings_without_sources())


def _state(key: Key) -> str:
    from oso_dagster.orchestration.clock import utc_now  # noqa: PLC0415

    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "good without end"
    return f"{'expired' if key.problem(utc_now()) else 'good until'} {key.expires_at:%Y-%m-%d}"


def _values(key: Key) -> dict[str, object]:
    stamps = {"created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "per_minute": key.limits.per_minute,
        "at_once": key.limits.at_once,
        **{name: moment.isoformat() if moment else None for name, moment in stamps.items()},
    }
