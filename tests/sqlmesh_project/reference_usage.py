"""Metrics of use in plain Python: downloads, protocols, donations, attestations, dependents; part of `reference_metrics`."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from oso_dagster.settings import PROJECT_ROOT
from tests.sqlmesh_project.reference import Raw, entity_id, periods, utc_day

Key = tuple[str, str, str, date, bool]
Entities = dict[str, list[tuple[str, str]]]


def metrics_of_usage(raw: Raw, entities: Entities, today: date) -> dict[Key, float]:
    """Sums of all entities and periods; of what is locked, the average over the days that are known."""
    amounts: dict[Key, float] = defaultdict(float)
    days: dict[Key, set[date]] = defaultdict(set)
    events = [event for event in _events(raw) if event[2] < today and event[3] in entities]
    first = min((day for _, _, day, _, _ in events), default=today).replace(day=1)
    for source, metric, day, artifact, amount in events:
        for suffix, sample, latest in periods(day, today, first):
            for kind, entity in entities[artifact]:
                key = (f"{source}_{metric}_{suffix}", kind, entity, sample, latest)
                amounts[key] += amount
                days[key].add(day)
    return {key: amount / len(days[key]) if "_tvl_" in key[0] else amount for key, amount in amounts.items() if amount}


def _events(raw: Raw) -> Iterator[tuple[str, str, date, str, float]]:
    """Source, metric, day, artifact and amount."""
    for row in raw.rows("npm.downloads"):
        scope, _, name = row["package"].rpartition("/")
        yield "NPM", "downloads", row["day"], entity_id("NPM", scope, name), float(row["downloads"])
    for table, metric, column in (
        ("tvl_events", "tvl", "tvl"),
        ("trading_volume", "trading_volume", "amount"),
        ("fees", "fees", "amount"),
    ):
        for row in raw.rows(f"defillama.{table}"):
            chain = re.sub("[^A-Za-z0-9]+", "_", row["chain"]).upper()
            if row[column] is not None:
                yield (
                    chain,
                    f"defillama_{metric}",
                    utc_day(row["time"]),
                    entity_id("DEFILLAMA", "", row["slug"].lower()),
                    row[column],
                )
    for row in raw.rows("open_collective.transactions"):
        given = row["type"] == "CREDIT" and row["kind"] in ("CONTRIBUTION", "ADDED_FUNDS") and row["amount"] > 0
        if given and row["currency"] == "USD":
            collective = entity_id("OPEN_COLLECTIVE", "", row["to_account_slug"].lower())
            yield "OPEN_COLLECTIVE", "donations_received", utc_day(row["created_at"]), collective, row["amount"]
    yield from _gifts(raw)
    living = {row["id"] for row in raw.rows("op_atlas.project") if row["deleted_at"] is None}
    for row in raw.rows("op_atlas.funding_reward"):
        if row["project_id"] in living:
            receiver = entity_id("OP_ATLAS", "", row["project_id"])
            yield "OP_ATLAS", "rewards_received", utc_day(row["created_at"]), receiver, float(row["amount"])
    for row in raw.rows("eas_optimism.attestations"):
        recipient = entity_id("OPTIMISM", "", row["recipient"].lower())
        yield "OPTIMISM", "attestations_received", utc_day(row["time"]), recipient, 1.0


def _gifts(raw: Raw) -> Iterator[tuple[str, str, date, str, float]]:
    """Donations of Gitcoin, and what rounds matched: without a date on the last day of the round's donations."""
    donations, last = raw.rows("gitcoin.all_donations"), dict[tuple[str, str], datetime]()
    for row in donations:
        if row["round_id"] and row["chain_id"] and row["timestamp"]:
            key = (row["round_id"], row["chain_id"])
            last[key] = max(row["timestamp"], last.get(key, row["timestamp"]))
    given = [("donations_received", row, row["amount_in_usd"], row["timestamp"]) for row in donations]
    for row in raw.rows("gitcoin.all_matching"):
        moment = row["timestamp"] or last.get((row["round_id"], row["chain_id"]))
        given.append(("matching_received", row, row["match_amount_in_usd"], moment))
    chains = _chains()
    for metric, row, amount, moment in given:
        if amount and amount > 0 and moment and row["recipient_address"] and row["chain_id"] in chains:
            receiver = entity_id(chains[row["chain_id"]], "", row["recipient_address"].strip().lower())
            yield "GITCOIN", metric, utc_day(moment), receiver, amount


def _chains() -> dict[str, str]:
    """Names of chains by their numbers; of two that have a number the first."""
    with (PROJECT_ROOT / "sqlmesh_project" / "seeds" / "networks.csv").open(newline="") as file:
        known = sorted(csv.DictReader(file), key=lambda row: row["network"], reverse=True)
    return {row["chain_id"]: row["network"].upper() for row in known if row["chain_id"]}


def dependents(raw: Raw, holders: dict[str, str], entities: Entities, today: date) -> dict[Key, float]:
    """Repositories that use a package of an entity and are not its own. `holders`: artifacts by names of repositories."""
    systems = {"npm": "NPM", "cargo": "CRATES", "pypi": "PYPI", "golang": "GO", "github": "GITHUB"}
    users: dict[Key, set[str]] = defaultdict(set)
    for row in raw.rows("github.sbom__packages"):
        name = row["name"].lower() if row["system"] in ("cargo", "pypi", "github") else row["name"]
        scope, _, rest = name.rpartition("/") if row["system"] in ("npm", "github") else ("", "", name)
        package = entity_id(systems[row["system"]], scope, rest)
        if row["repository"] in holders and not (row["system"] == "github" and name == row["repository"]):
            dependent = holders[row["repository"]]
            for owner in entities.get(package, ()):
                if owner not in entities[dependent]:
                    users["GITHUB_dependents_over_all_time", *owner, _before(today), False].add(dependent)
    return {key: float(len(some)) for key, some in users.items()}


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
