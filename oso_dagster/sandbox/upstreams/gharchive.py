"""GH Archive as the sandbox keeps it: an hourly file of events in the repositories of the forge, made when it is asked for.

Written from igrigorik/gharchive.org: its crawler.rb and commit f1f4200 of 2025-05-24, since which a file is named by the hour of
the crawl, and its issues 102 (events twice), 310 and 320 (the feed of 2026), 312. `events` is the truth of one hour, `file_lines`
what the file of an hour holds: events that were known of by then, some of them again. `render` is the file, in the form that
upstream has on that day: until 2025-10-07 a push lists its commits (with e-mail addresses, which nobody may keep), since then
only where the branch points. The fault `former` keeps the first form on every day.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.world import forge
from oso_dagster.sandbox.world.forge import Forge, Repository, read
from oso_dagster.sandbox.world.world import stream

TRIMMED_SINCE = datetime(2025, 10, 7, tzinfo=UTC)
EVENTS_PER_HOUR = (45, 75)
WEIGHTS = {
    "PushEvent": 40, "PullRequestEvent": 14, "IssuesEvent": 10, "IssueCommentEvent": 10, "WatchEvent": 9,
    "CreateEvent": 5, "PullRequestReviewEvent": 4, "PullRequestReviewCommentEvent": 3, "ForkEvent": 3, "ReleaseEvent": 2,
}  # fmt: skip
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{1,2})\.json\.gz\Z")
_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)
LONGEST_DELAY = timedelta(hours=5, minutes=55)
"""How late GitHub reports an event at most: its documentation says six hours."""
_SERVED_AGAIN, _LEFT, _DAMAGED_HOUR = 97, 50, 3
_SHORT_HOURS = range(2, 4)


@dataclass(frozen=True)
class _Draft:
    """What an event is about before its type says more."""

    rng: Random
    repository: Repository
    login: str
    when: datetime
    number: int
    trimmed: bool


def events(forge: Forge, hour: datetime, *, former: bool = False) -> tuple[dict[str, Any], ...]:
    """The events of the hour that begins at `hour`, as the archive holds them, oldest first; `former`: in the form of before."""
    number = (hour - forge.start) // _HOUR
    rng = stream(forge.seed, f"gharchive/{number}")
    seconds = sorted(rng.choices(range(3600), k=rng.randint(*EVENTS_PER_HOUR)))
    living = [repository for repository in forge.repositories if not repository.deleted]
    return tuple(
        _event(rng, forge, rng.choice(living), hour + timedelta(seconds=second), 1_000_000 + number * 1000 + n, former=former)
        for n, second in enumerate(seconds)
    )


def file_lines(forge: Forge, hour: datetime, fault: str | None = None) -> list[dict[str, Any]]:
    """What the file of an hour holds: what became known in it, half a minute to five minutes after it happened.

    One of 97 events is served again an hour later. `fault`: `late_arrivals` take up to six hours for every fourth; of a
    `hollow_feed` little is left but pushes; on a `zero_day` some hours hold hardly anything (its issues 141, 232, 312).
    """
    late, former = fault == "late_arrivals", fault == "former"
    lines = []
    for back in range(LONGEST_DELAY // _HOUR + 2 if late else 3):
        begin = hour - back * _HOUR
        for event in _hour_of(forge, begin, former=former) if begin >= forge.start else ():
            known = datetime.fromisoformat(event["created_at"]) + _delay(int(event["id"]), late=late)
            again = int(event["id"]) % _SERVED_AGAIN == 0
            if hour <= known < hour + _HOUR or (again and hour <= known + _HOUR < hour + _HOUR):
                lines.append(event)
    if fault == "zero_day" and hour.hour in _SHORT_HOURS:
        return lines[:1]
    if fault == "hollow_feed":
        return [event for event in lines if event["type"] == "PushEvent" or int(event["id"]) % _LEFT == 0]
    return lines


@lru_cache(maxsize=256)
def _hour_of(forge: Forge, hour: datetime, *, former: bool) -> tuple[dict[str, Any], ...]:
    return events(forge, hour, former=former)


def _delay(number: int, *, late: bool) -> timedelta:
    if late and number % 4 == 0:
        return number * 7919 % (LONGEST_DELAY // _SECOND) * _SECOND
    return timedelta(seconds=30 + number * 37 % 270)


def render(lines: Sequence[dict[str, Any]]) -> bytes:
    """The file of an hour: a JSON object a line, gzipped, the same bytes each time."""
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines), compresslevel=3, mtime=0)


def serve(folder: Path) -> Starlette:
    """Serve every hour that is over, from the beginning of the history of the world in `folder` on."""

    def hour_file(request: Request) -> Response:
        forge = read(folder)
        hour = _hour(request.path_params["name"])
        latest = max(forge.now, datetime.now(UTC))
        if hour is None or not forge.start <= hour <= latest - _HOUR:
            return PlainTextResponse("no such hour\n", status_code=404)
        fault = fault_of(request.scope)
        content = render(file_lines(forge, hour, fault))
        if fault == "damaged_line" and hour.hour == _DAMAGED_HOUR:
            content = _cut_a_line(content)
        return Response(content, media_type="application/gzip")

    return Starlette(routes=[Route("/{name}", hour_file)])


def _cut_a_line(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    lines[2] = lines[2][:90] + b"\n"
    return gzip.compress(b"".join(lines), compresslevel=3, mtime=0)


def _hour(name: str) -> datetime | None:
    match = _NAME.match(name)
    if match is None or int(match.group(2)) > 23:  # noqa: PLR2004  (the last hour of a day)
        return None
    day = datetime.strptime(match.group(1), "%Y-%m-%d").replace(tzinfo=UTC)
    return day + int(match.group(2)) * _HOUR


def _event(rng: Random, forge: Forge, repository: Repository, when: datetime, number: int, *, former: bool) -> dict[str, Any]:
    kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    # A few people do most of the work.
    actor = forge.people[min(int(rng.paretovariate(0.6)) - 1, len(forge.people) - 1)]
    draft = _Draft(rng, repository, actor.login, when, number, trimmed=when >= TRIMMED_SINCE and not former)
    event: dict[str, Any] = {
        "id": str(number),
        "type": kind,
        "actor": {"id": actor.id, "login": actor.login, "display_login": actor.login, "gravatar_id": ""},
        "repo": {"id": repository.id, "name": repository.full_name, "url": f"https://api.sbx.example/{repository.full_name}"},
        "payload": _PAYLOADS[kind](draft),
        "public": True,
        "created_at": _text(when),
    }
    if repository.owner not in forge.users:
        event["org"] = {"id": 400_000_000 + repository.id, "login": repository.owner, "gravatar_id": ""}
    return event


def _push(draft: _Draft) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "repository_id": draft.repository.id,
        "push_id": draft.number,
        "ref": "refs/heads/main",
        "head": _sha(draft.rng),
        "before": _sha(draft.rng),
    }
    if draft.trimmed:
        return payload
    count = draft.rng.randint(1, 5)
    author = {"name": draft.login, "email": f"{draft.login}@sbx.example"}
    commits = [{"sha": _sha(draft.rng), "author": author, "message": "Work", "distinct": True}] * count
    return payload | {"size": count, "distinct_size": count, "commits": commits}


def _issue(draft: _Draft) -> dict[str, Any]:
    created = draft.when - timedelta(minutes=draft.rng.randint(1, 40_000))
    return {
        "id": 20_000_000 + draft.number,
        "number": draft.rng.randint(1, 400),
        "user": {"login": draft.login, "id": 1},
        "title": "Something is odd",
        "created_at": _text(created),
        "closed_at": _text(draft.when) if draft.rng.randrange(3) == 0 else None,
    }


def _issue_event(draft: _Draft) -> dict[str, Any]:
    return {"action": draft.rng.choice(("opened", "closed", "reopened")), "issue": _issue(draft)}


def _issue_comment(draft: _Draft) -> dict[str, Any]:
    on_pull = {"pull_request": {"url": "https://api.sbx.example/pull"}} if draft.rng.randrange(2) else {}
    comment = {"id": draft.number, "body": "Write to someone@sbx.example"}
    return {"action": "created", "issue": _issue(draft) | on_pull, "comment": comment}


def _pull_request_event(draft: _Draft) -> dict[str, Any]:
    ending = draft.rng.choice(("opened", "closed", "merged", "reopened"))
    pull = _pull_request(draft, ending)
    return {"action": ending if draft.trimmed or ending != "merged" else "closed", "number": pull["number"], "pull_request": pull}


def _pull_request(draft: _Draft, ending: str) -> dict[str, Any]:
    pull: dict[str, Any] = {"id": 30_000_000 + draft.number, "number": draft.rng.randint(1, 400)}
    if draft.trimmed:
        return pull
    closed = _text(draft.when) if ending in {"closed", "merged"} else None
    merged = ending == "merged"
    created = _text(draft.when - timedelta(minutes=draft.rng.randint(1, 20_000)))
    pull |= {"user": {"login": draft.login, "id": 1}, "created_at": created, "closed_at": closed}
    return pull | {"merged": merged, "merged_at": closed if merged else None}


def _review(draft: _Draft) -> dict[str, Any]:
    review = {"id": draft.number, "state": draft.rng.choice(("approved", "commented", "changes_requested"))}
    return {"action": "created", "pull_request": _pull_request(draft, "opened"), "review": review}


def _review_comment(draft: _Draft) -> dict[str, Any]:
    return {"action": "created", "pull_request": _pull_request(draft, "opened"), "comment": {"id": draft.number}}


def _release(draft: _Draft) -> dict[str, Any]:
    tag = f"v{draft.rng.randint(0, 9)}.{draft.rng.randint(0, 30)}.0"
    return {"action": "published", "release": {"id": draft.number, "tag_name": tag}}


def _fork(draft: _Draft) -> dict[str, Any]:
    return {"forkee": {"id": 600_000_000 + draft.number, "full_name": f"{draft.login}/{draft.repository.name}"}}


def _create(draft: _Draft) -> dict[str, Any]:
    return {"ref": f"feature-{draft.number}", "ref_type": "branch", "master_branch": "main", "pusher_type": "user"}


def _watch(_: _Draft) -> dict[str, Any]:
    return {"action": "started"}


_PAYLOADS: Mapping[str, Callable[[_Draft], dict[str, Any]]] = {
    "PushEvent": _push,
    "PullRequestEvent": _pull_request_event,
    "IssuesEvent": _issue_event,
    "IssueCommentEvent": _issue_comment,
    "WatchEvent": _watch,
    "CreateEvent": _create,
    "PullRequestReviewEvent": _review,
    "PullRequestReviewCommentEvent": _review_comment,
    "ForkEvent": _fork,
    "ReleaseEvent": _release,
}


def _sha(rng: Random) -> str:
    return f"{rng.getrandbits(160):040x}"


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


FAMILY = Family(
    "gharchive",
    (Endpoint("github_archive_url", "/gharchive", "GH Archive, hourly files of the last 60 days: /YYYY-MM-DD-H.json.gz"),),
    forge.write,
    serve,
    faults=("hollow_feed", "damaged_line", "late_arrivals", "zero_day", "former"),
)
