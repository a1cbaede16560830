"""RegenData, Gitcoin's public database, as the sandbox has it: donations and matching for the directory's projects.

Awkward on purpose: equal donations of one transaction, donations of no amount, of no round, addresses in any case, padded titles,
a project in two groups' history, a group without addresses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world.entities import Project
from oso_dagster.sandbox.world.world import SandboxWorld, stream

DATABASE = "gitcoin"
_CHAINS = (10, 42161, 1)
_ROUNDS = 3

TABLES = {
    "all_donations": """"timestamp" timestamp, donor_address text, recipient_address text, transaction_hash text,
        project_id text, project_name text, round_id text, round_num bigint, round_name text, chain_id integer,
        amount_in_usd double precision, source text""",
    "all_matching": """"timestamp" timestamp, round_id text, round_num bigint, chain_id integer, project_id text, title text,
        recipient_address text, match_amount_in_usd double precision""",
    "project_groups_summary": """group_id text, latest_created_project_id text, total_amount_donated double precision,
        application_count bigint, latest_created_application timestamp, latest_source text, title text,
        latest_payout_address text, latest_website text, latest_project_twitter text, latest_project_github text""",
    "project_lookup": "group_id text, project_id text, source text",
}


def write(world: SandboxWorld, folder: Path) -> None:
    """Write `<folder>/gitcoin.sql`, from which the database is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{DATABASE}.sql").write_text(postgres.script_of(TABLES, rows(world)))


def rows(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """All rows, by table."""
    rng = stream(world.seed, "gitcoin")
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    funded = [project for project in world.projects if project.blockchain]
    for number, project in enumerate(funded):
        _group(rng, tables, number, project, world.now)
    return tables


def truth(world: SandboxWorld) -> dict[str, list[dict[str, Any]]]:
    """The rows that complete loads hold, by table."""
    return {f"gitcoin.{name}": made for name, made in rows(world).items()}


def _group(rng: Random, tables: dict[str, list[dict[str, Any]]], number: int, project: Project, now: datetime) -> None:
    group, payout = f"SBX-Group-{number}", next(iter(project.blockchain or ())).address or None
    ids = [_hex(rng, 32) for _ in range(rng.randint(1, 3))]
    title = f"  {project.display_name or project.name} "
    tables["project_lookup"] += [
        {"group_id": group, "project_id": project_id, "source": rng.choice(("allo", "cgrants"))} for project_id in ids
    ]
    given = [_donation(rng, project, rng.choice(ids), payout, now) for _ in range(rng.randint(2, 20))]
    if number % 5 == 0:  # one transaction gave the same twice
        given.append(given[0])
    tables["all_donations"] += given
    tables["all_matching"] += [
        {
            "timestamp": _time(now - timedelta(days=30 * round_)) if round_ > 1 else None, "round_id": f"0xROUND{round_}",
            "round_num": round_, "chain_id": rng.choice(_CHAINS), "project_id": ids[0], "title": title,
            "recipient_address": payout, "match_amount_in_usd": round(rng.lognormvariate(6, 2), 2),
        }
        for round_ in range(1, _ROUNDS + 1) if rng.random() < 0.6  # noqa: PLR2004  (most take part)
    ]  # fmt: skip
    tables["project_groups_summary"].append({
        "group_id": group, "latest_created_project_id": ids[-1],
        "total_amount_donated": sum(donation["amount_in_usd"] for donation in given), "application_count": len(ids),
        "latest_created_application": _time(now - timedelta(days=rng.uniform(10, 400))), "latest_source": "allo", "title": title,
        "latest_payout_address": payout, "latest_website": next(iter(project.links.get("websites", ())), None),
        "latest_project_twitter": None, "latest_project_github": next(iter(project.links.get("github", ())), None),
    })  # fmt: skip


def _donation(rng: Random, project: Project, project_id: str, payout: str | None, now: datetime) -> dict[str, Any]:
    number = rng.choice((None, *range(1, _ROUNDS + 1)))
    return {
        "timestamp": _time(now - timedelta(days=rng.uniform(1, 400))), "donor_address": _hex(rng, 20).upper().replace("0X", "0x"),
        "recipient_address": payout, "transaction_hash": _hex(rng, 32), "project_id": project_id,
        "project_name": f"{project.display_name or project.name} ", "round_id": f"0xROUND{number}" if number else None,
        "round_num": number, "round_name": f"Round {number}: «Tide»" if number else None, "chain_id": rng.choice(_CHAINS),
        "amount_in_usd": rng.choice((0.0, round(rng.lognormvariate(1, 1), 4))), "source": rng.choice(("allo", "cgrants")),
    }  # fmt: skip


def _hex(rng: Random, size: int) -> str:
    return f"0x{rng.getrandbits(8 * size):0{2 * size}x}"


def _time(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


FAMILY = Family("gitcoin", (Endpoint("gitcoin_url", DATABASE, "RegenData, a PostgreSQL database"),), write, None, truth)
