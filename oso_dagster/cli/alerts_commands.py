"""`oso alerts`: test the channels, preview the messages. When which alert is sent is decided elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from oso_dagster.cli.drill import drill
from oso_dagster.cli.session.chosen_world import settings_now
from oso_dagster.cli.session.terminal import Json, console, listing, refusal, say, say_json
from oso_dagster.domain.alerts.announcement import LOG, Announcement, AnnouncementKind
from oso_dagster.settings import Settings

if TYPE_CHECKING:
    from markupsafe import Markup

    from oso_dagster.alerting.ports import Sender

app = typer.Typer(no_args_is_help=True, help="Alerts: test the channels, preview the messages.")

app.command("drill")(drill)

_SECONDS = 10.0


@dataclass(frozen=True)
class _Try:
    """One announcement sent outside the outbox."""

    announcement: Announcement
    channel: str
    message_id: str | None = None
    attempts: int = 0
    perhaps_sent: bool = False


@app.command("test")
def try_channels(
    channel: Annotated[str | None, typer.Option(help="One channel only; by default all, the log included.")] = None,
    as_json: Json = False,
) -> None:
    """Send a test message to each channel and edit it into its recovered state. A disabled channel that works is enabled.

    Ends with exit code 1 when a channel did not accept it, or only the log is set.

    Examples: `oso alerts test`, `oso alerts test --channel pages`
    """
    from oso_dagster.alerting.channels import senders  # noqa: PLC0415
    from oso_dagster.alerting.sample_alerts import test_story  # noqa: PLC0415

    settings = settings_now()
    logger = logging.getLogger("oso.alerts")
    reachable = [sender for sender in senders(settings, logger) if channel in {None, sender.name}]
    if channel is not None and not reachable:
        known = ", ".join([LOG, *(configured.route.name for configured in settings.channels())])
        raise refusal(f"channel {channel} cannot be reached; the channels that are set are {known}")
    story = test_story(settings.world.value, datetime.now(UTC))
    tried = {sender.name: _send_story(sender, story) for sender in reachable}
    _reopen(settings, [name for name, (well, _) in tried.items() if well])
    if as_json:
        say_json({name: {"ok": well, "answer": words} for name, (well, words) in tried.items()})
    else:
        table = listing("channel", "works", "answer")
        for name, (well, words) in tried.items():
            table.add_row(name, "yes" if well else "no", words)
        console().print(table)
    unset = channel is None and len(reachable) == 1
    if unset:
        say("only the log receives alerts: set OSO_DISCORD_URL, or start the sandbox with `oso sandbox up`", err=True)
    raise typer.Exit(1 if unset or not all(well for well, _ in tried.values()) else 0)


@app.command()
def preview(
    html: Annotated[Path | None, typer.Option(help="Write a page that looks like Discord to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show a message of every kind, as it would be sent; nothing is sent.

    Examples: `oso alerts preview`, `oso alerts preview --html alerts.html`, `oso alerts preview --json | jq '.[0]'`
    """
    from oso_dagster.alerting.sample_alerts import stories  # noqa: PLC0415

    settings = settings_now()
    samples = stories(settings.world.value, datetime.now(UTC))
    if html is not None:
        from oso_dagster.cli.alerts_page import page  # noqa: PLC0415  (Jinja loads when used)

        html.write_text(page(samples))
        say(f"every kind of message: {html.absolute().as_uri()}")
    elif as_json:
        say_json([_payload(announcement) for story in samples for announcement in story])
    else:
        terminal = console()
        for story in samples:
            for announcement in story:
                terminal.print(_panel(announcement))


@app.command()
def digest(as_json: Json = False) -> None:
    """Show the weekly digest of the last seven days, as it would be sent now; nothing is sent. It is sent on Mondays.

    Verdicts and budgets, sprints, what upstream announces, what is set aside, coverage, and what is retired.

    Examples: `oso alerts digest`, `oso alerts digest --json | jq -r '.lines[]'`
    """
    import dagster as dg  # noqa: PLC0415  (Dagster loads when used)

    from oso_dagster.cli.session.instance import enter  # noqa: PLC0415
    from oso_dagster.domain.alerts.weekly import lines_of, weekly_of  # noqa: PLC0415
    from oso_dagster.orchestration.alerts.weekly_digest import week_of  # noqa: PLC0415
    from oso_dagster.orchestration.watch.incident_round import alert_links  # noqa: PLC0415
    from oso_dagster.reliability.store import Store  # noqa: PLC0415
    from oso_dagster.sources import catalogue  # noqa: PLC0415

    settings, now = settings_now(), datetime.now(UTC)
    enter(settings)
    with dg.DagsterInstance.get() as instance, Store.open(settings.reliability_store_url, settings.world.value) as store:
        week = week_of(store, settings.in_world(catalogue()), instance, now)
    incident = weekly_of(week, alert_links(settings))
    if as_json:
        say_json({"title": incident.title, "since": week.since, "until": week.until, "lines": list(lines_of(week))})
    else:
        console().print(_panel(Announcement(AnnouncementKind.RAISED, 1, incident, settings.world.value, now)))


def _send_story(sender: Sender, story: Sequence[Announcement]) -> tuple[bool, str]:
    """Whether the channel took all of it, and what it said."""
    from oso_dagster.alerting.outcomes import Sent  # noqa: PLC0415

    message: str | None = None
    for announcement in story:
        outcome = sender.send(_Try(announcement, sender.name, message), _SECONDS)
        if not isinstance(outcome, Sent):
            return False, outcome.why
        message = outcome.message_id
    return True, f"sent and edited, message {message}" if message else "written"


def _reopen(settings: Settings, names: Sequence[str]) -> None:
    from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        for state in store.channels.all():
            if state.disabled and state.name in names:
                store.channels.reopen(state.name, datetime.now(UTC))


def _payload(announcement: Announcement) -> dict[str, Any]:
    """What would be posted."""
    from oso_dagster.alerting import embeds  # noqa: PLC0415

    if announcement.kind is AnnouncementKind.REMINDED:
        return embeds.reminder(announcement, "https://discord.com/channels/1/2/3")
    return embeds.message(announcement)


def _panel(announcement: Announcement) -> Panel:
    """The message on a terminal: the bar's colour as a border, the texts without Markdown's signs."""
    from oso_dagster.sandbox.discord.markdown import to_html  # noqa: PLC0415

    payload = _payload(announcement)
    parts: list[Text] = [Text(_plain(to_html(payload["content"])), style="bold")]
    for embed in payload["embeds"]:
        parts += [Text(_plain(to_html(embed[name]))) for name in ("description",) if name in embed]
        for field in embed.get("fields", []):
            parts.append(Text.assemble((f"{field['name']}: ", "bold"), _plain(to_html(field["value"]))))
        if "footer" in embed:
            parts.append(Text(embed["footer"]["text"], style="dim"))
    return Panel(
        Group(*parts), title=announcement.kind.value, title_align="left", border_style=f"#{payload['embeds'][0]['color']:06x}"
    )


def _plain(html: Markup) -> str:
    return "\n".join(part.striptags() for part in html.split("<br>"))
