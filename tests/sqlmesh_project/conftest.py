"""One warehouse with made-up activity of both regimes of GitHub, on chains and of grants, computed once a session."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from oso_dagster.settings import Settings
from tests.sqlmesh_project.events.raw_rows import ATLAS, DEPENDENCIES_AND_CONTRACTS, USE
from tests.sqlmesh_project.small_ledger import record_and_publish

SEED = 20261130
REPOSITORIES = {
    1: ("acme", "one", ["acme/one"]),
    2: ("acme", "two", ["acme/two"]),
    3: ("beta", "new-name", ["beta/old-name"]),
    4: ("acme", "three", ["acme/three"]),
}
"""GitHub's id, owner, name now, names it was asked for by. acme is claimed whole; beta/old-name was renamed."""
DIRECTORY = """
INSERT INTO oss_directory.projects (name, display_name, file_path, commit_sha, committed_at)
  VALUES ('acme', 'Acme', 'f', 's', now()), ('beta', 'Beta', 'f', 's', now()), ('both', 'Both', 'f', 's', now());
INSERT INTO oss_directory.collections (name, display_name, projects, file_path, commit_sha, committed_at)
  VALUES ('all', 'All', ['acme', 'beta', 'both'], 'f', 's', now());
INSERT INTO oss_directory.projects__github (project_name, position, url) VALUES
  ('acme', 0, 'https://github.com/acme'), ('beta', 0, 'https://github.com/beta/old-name'), ('both', 0, 'https://github.com/acme/one'),
  ('both', 1, 'https://github.com/beta/new-name');
INSERT INTO oss_directory.projects__blockchain (project_name, position, address, networks) VALUES
  ('acme', 0, '0x00000000000000000000000000000000000000A1', ['any_evm']),
  ('beta', 0, '0x00000000000000000000000000000000000000b2', ['base']);
INSERT INTO oss_funding.funding_data (funding_id, to_project_name, amount, funding_date, from_funder_name) VALUES
  ('g1', 'acme', 10.5, DATE '2024-02-29', 'big-fund'), ('g2', 'beta', 3.25, DATE '2024-07-01', 'big-fund'),
  ('g3', 'acme', 7.0, DATE '2026-11-01', 'other fund'), ('g4', NULL, 1.0, DATE '2026-11-02', 'big-fund');
"""
ACTIONS = {
    "PushEvent": [None],
    "IssuesEvent": ["opened", "closed", "reopened", "labeled"],
    "IssueCommentEvent": ["created"],
    "PullRequestEvent": ["opened", "closed", "merged", "reopened"],
    "PullRequestReviewEvent": ["created"],
    "PullRequestReviewCommentEvent": ["created"],
    "ReleaseEvent": ["published"],
    "WatchEvent": ["started"],
    "ForkEvent": [None],
    "CreateEvent": [None],
}
COLUMNS = [
    "id",
    "type",
    "actor_id",
    "actor_login",
    "repo_id",
    "repo_name",
    "created_at",
    "action",
    "number",
    "push_distinct_size",
    "push_regime",
    "pull_request_is_merged",
    "release_id",
]


def made_up_activity(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Fill the raw tables: people of whom one was renamed, bots of each kind, events that two feeds and GitHub itself have."""
    chance = random.Random(SEED)
    connection.execute(DIRECTORY + DEPENDENCIES_AND_CONTRACTS + USE + ATLAS)
    for number, (owner, name, requested) in REPOSITORIES.items():
        connection.execute(
            "INSERT INTO github.repositories (key, id, owner, name, name_with_owner, status, requested_names, checked_at) "
            "VALUES (?, ?, ?, ?, ?, 'found', ?, now())",
            [str(number), number, owner, name, f"{owner}/{name}", requested],
        )
    connection.execute(  # acme/one and acme/two were deleted and made again: one row says so, the other was not asked for since
        "INSERT INTO github.repositories (key, id, owner, name, name_with_owner, status, requested_names, checked_at) VALUES "
        "('-1', -1, 'acme', 'one', 'acme/one', 'gone', ['acme/one'], now() + INTERVAL 1 HOUR), "
        "('0', 0, 'acme', 'two', 'acme/two', 'found', ['acme/two'], now() - INTERVAL 9 DAY)"
    )
    people = [
        (10, "Ann"),
        (11, "ben"),
        (12, "cy"),
        (13, "dee"),
        (14, "helper[bot]"),
        (15, "dependabot"),
        (16, "botty"),
        (16, "botty-renamed"),
        (10, "ann-renamed"),
    ]
    days = [datetime(2025, 9, 20, tzinfo=UTC) + timedelta(days=day) for day in range(40)]
    days += [now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=day) for day in range(1, 45)]
    events = [_event(chance, number, people, days) for number in range(900)]
    _insert(connection, "github.events", events)
    shared = [{**event, "checked_at": now} for event in events[::7]]
    own = [{**_event(chance, 5_000 + number, people, days[-30:]), "checked_at": now} for number in range(60)]
    _insert(connection, "github.repository_events", shared + own)
    _insert(connection, "github.events", [{**event, "id": f"before {event['id']}", "repo_id": -1} for event in events[::9]])
    _facts(connection, chance, events, days, now)
    for chain in ("op", "base"):  # somebody sends something every day
        connection.execute(
            "INSERT INTO superchain.daily_transactions SELECT ?, CAST(? AS DATE) - CAST(back AS INTEGER), '0x1', '0xff', 1, 1 "
            "FROM range(1, 75) AS d(back)",
            [chain, now.date()],
        )
    for day in days[-40:]:
        stars = [("acme/one", chance.randint(0, 3)), ("beta/old-name", 1), ("beta/new-name", 2)]
        for repository, count in stars:
            asked = now if repository == "acme/one" else now - timedelta(days=12)  # since then nobody could ask
            if day <= asked:
                connection.execute("INSERT INTO github.stars_by_day VALUES (?, ?, ?, ?)", [repository, day.date(), count, asked])
        for chain in ("op", "base"):
            for sender in range(chance.randint(0, 3)):
                receiver = f"0x{chance.choice(['a1', 'b2', 'c3']):0>40}"
                row = [chain, day.date(), f"0x{sender:040x}", receiver, chance.randint(1, 9), chance.randint(1, 10**18)]
                connection.execute("INSERT INTO superchain.daily_transactions VALUES (?, ?, ?, ?, ?, ?)", row)


def _event(chance: random.Random, number: int, people: list[tuple[int, str]], days: list[datetime]) -> dict[str, object]:
    kind = chance.choice(list(ACTIONS))
    action, actor, day = chance.choice(ACTIONS[kind]), chance.choice(people), chance.choice(days)
    old = day < datetime(2025, 10, 7, tzinfo=UTC)
    moment = day + timedelta(seconds=chance.choice([0, 1, 86_399, chance.randrange(86_400)]))
    repo = chance.choice([*REPOSITORIES, 99])
    is_push = kind == "PushEvent"
    return {
        "id": str(number),
        "type": kind,
        "actor_id": actor[0],
        "actor_login": actor[1],
        "repo_id": repo,
        "repo_name": "as/then",
        "created_at": moment,
        "action": "closed" if old and action == "merged" else action,
        "number": chance.randint(1, 30) if kind.startswith(("Issue", "Pull")) else None,
        "push_distinct_size": chance.randint(0, 4) if is_push and old else None,
        "push_regime": ("with_commits" if old else "head_only") if is_push else None,
        "pull_request_is_merged": True if action == "merged" else False if old and action == "closed" else None,
        "release_id": number if kind == "ReleaseEvent" else None,
    }


def _facts(connection, chance: random.Random, events: list[dict], days: list[datetime], now: datetime) -> None:
    """Issues, pull requests, releases and commits as GitHub has them: some are told by an event, some by none."""
    logins = [(10, "Ann", "User"), (11, "ben", "User"), (16, "botty", "Bot"), (None, None, None), (20, "only-facts", "User")]
    for number in range(1_000, 1_080):
        author = chance.choice(logins)
        opened = chance.choice(days[:-1]) + timedelta(seconds=chance.randrange(86_400))
        closed = opened + timedelta(hours=chance.randint(1, 40)) if chance.random() < 0.6 else None
        row = {
            "repo_id": chance.choice(list(REPOSITORIES)),
            "repo_name": "r",
            "id": number,
            "number": number,
            "state": "s",
            "author_id": author[0],
            "author_login": author[1],
            "author_type": author[2],
            "created_at": opened,
            "updated_at": opened,
            "closed_at": closed,
            "checked_at": now,
        }
        if number % 2:
            _insert(connection, "github.issues", [row])
        else:
            merged = {"merged_at": closed, "merged_by_login": "Ben"} if closed and number % 4 else {"merged_at": None}
            _insert(connection, "github.pull_requests", [{**row, "is_draft": False, "base_ref": "main", **merged}])
    opened = [event for event in events if event["type"] == "IssuesEvent" and event["action"] == "opened"]
    for event in opened[:8]:
        row = {
            "repo_id": event["repo_id"],
            "repo_name": "r",
            "id": 9_000 + int(str(event["id"])),
            "number": event["number"],
            "state": "open",
            "author_login": event["actor_login"],
            "created_at": event["created_at"] + timedelta(seconds=20),
            "updated_at": now,
            "checked_at": now,
        }
        _insert(connection, "github.issues", [row])
    for event in [event for event in events if event["type"] == "ReleaseEvent"][:5]:
        row = {
            "repo_id": event["repo_id"],
            "repo_name": "r",
            "id": event["release_id"],
            "tag_name": "t",
            "is_prerelease": False,
            "created_at": event["created_at"],
            "published_at": event["created_at"],
            "updated_at": now,
            "checked_at": now,
        }
        _insert(connection, "github.releases", [row])
    for number in range(120):  # of acme/one nobody could list the last days; of beta/new-name it is not known until when
        author = chance.choice(logins)
        when = chance.choice(days[-20:]) + timedelta(seconds=chance.randrange(86_400))
        row = {
            "repo_id": (repo := chance.choice([1, 3])),
            "listed_until": now - timedelta(days=5, hours=number % 4) if repo == 1 and number % 3 else None,
            "repo_name": "r",
            "sha": f"{number:040x}",
            "author_id": author[0],
            "author_login": author[1],
            "authored_at": when,
            "committed_at": when,
            "checked_at": now,
        }
        _insert(connection, "github.commits", [row])


def _insert(connection, table: str, rows: list[dict]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


@pytest.fixture(scope="session")
def active_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a computed warehouse; tests that change it copy it."""
    from oso_dagster.orchestration.resources import warehouse_of
    from oso_dagster.sources import catalogue
    from tests.sqlmesh_project.test_rows import World

    home = tmp_path_factory.mktemp("active")
    settings = Settings(home=home)
    warehouse_of(settings).ensure_tables(catalogue())
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        made_up_activity(connection, datetime.now(UTC))
    record_and_publish(settings, datetime.now(UTC))
    world = World(settings)
    world.materialize()
    assert set(world.models.values()) == {"ok"}
    assert world.findings == {}
    return home
