# ruff: noqa: E501  (rows are SQL, one case a line)
"""One good and one bad table for each audit of the project: rows as SELECTs, by table. The bad one is one fault away.

Times are before 2026-11-30, the day on which the audits are run. What a table is not given is NULL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Rows = dict[str, str]
GITHUB = "intermediate.int_events__github"
DAILY = "intermediate.int_events_daily__github"
METRICS = "intermediate.int_metrics"
DAYS = "SELECT DATE '2026-11-30' - CAST(day AS INTEGER) AS event_day, 'ISSUE_OPENED' AS event_type, 'GITHUB' AS event_source FROM range(1, {days}) AS d(day)"


@dataclass(frozen=True)
class Case:
    """An audit as it is attached to a model, tables that it passes, and the tables of which one is other when it finds something."""

    model: str
    good: Rows
    bad: Rows
    arguments: dict[str, str] = field(default_factory=dict)
    """Which of several audits of one name on the model, by arguments."""


def _each(model: str, good: str, bad: str, **arguments: str) -> Case:
    return Case(model, {model: good}, {model: bad}, arguments)


def _events(days: int, each: int, *, newest: int) -> str:
    """So many events on each of the days before, and others on the last."""
    older = f"SELECT DATE '2026-11-30' - CAST(d.day AS INTEGER) AS event_day, 'FORKED' AS event_type, 'GITHUB' AS event_source FROM range(2, {days + 2}) AS d(day), range({each})"
    return f"{older} UNION ALL SELECT DATE '2026-11-29', 'FORKED', 'GITHUB' FROM range({newest})"


_ATLAS = "SELECT '0x1' AS project_name, 'contract' AS kind, 'e' AS entry, 'a' AS artifact_id"
_CLAIM = "SELECT 'p' AS project_name, 'npm' AS kind, 0 AS position, 'NPM' AS artifact_source, '' AS artifact_namespace, {name} AS artifact_name, FALSE AS is_organization"
_FORK = "SELECT 'e1' AS event_id, DATE '2026-11-01' AS event_day, 'ForkEvent' AS type, 1 AS repo_id"
_FORKED = "SELECT 'e1' AS event_source_id, DATE '2026-11-01' AS event_day, 'FORKED' AS event_type, 'feed' AS told_by, 1 AS amount, 1 AS repo_id"
_EVENT = "SELECT DATE '2026-11-01' AS event_day, 'FORKED' AS event_type, 0.1 AS amount FROM range({events})"
_DAY = "SELECT DATE '2026-11-01' AS bucket_day, 'FORKED' AS event_type, {amount} AS amount, {events} AS count"
_STARS = "SELECT 'GITHUB' AS metric_source, 'stars' AS metric, 'artifact' AS entity_type, 'all' AS grain, DATE '2026-11-29' AS sample_date, {amount} AS amount"
_STAR_DAYS = (
    "SELECT 'GITHUB' AS event_source, 'STARRED' AS event_type, 'r' AS to_artifact_id, DATE '2026-11-29' AS bucket_day, 3 AS amount UNION ALL "
    "SELECT 'GITHUB', 'STARRED', 'r', DATE '2026-11-30', 99"
)
_GRANTS, _FUNDED = "staging.stg_oss_funding__grants", "intermediate.int_grant_events"

CASES: dict[str, Case] = {
    "accepted_claim_is_named": _each("intermediate.int_package_claims", _CLAIM.format(name="'n'"), _CLAIM.format(name="NULL")),
    "accepted_op_atlas_claim_is_named": _each("intermediate.int_op_atlas_claims", _ATLAS, _ATLAS.replace("'a'", "NULL")),
    "accepted_values": _each("intermediate.int_claims", "SELECT 'artifact' AS outcome", "SELECT 'lost' AS outcome"),
    "accepted_values_non_blocking": _each("staging.stg_gitcoin__gifts", "SELECT 'donation' AS kind", "SELECT 'loan' AS kind"),
    "chain_days_are_current": Case(
        "intermediate.int_events_daily__onchain",
        {
            "staging.stg_superchain__transactions": "SELECT 'base' AS network, DATE '2026-11-01' AS day, '0xb' AS to_address, 2 AS transactions",
            "intermediate.int_artifacts": "SELECT 'BASE' AS artifact_source, '' AS artifact_namespace, '0xb' AS artifact_name",
            "intermediate.int_events_daily__onchain": (
                "SELECT DATE '2026-11-01' AS bucket_day, 'CONTRACT_INVOCATION' AS event_type, 2 AS amount"
            ),
        },
        {"intermediate.int_events_daily__onchain": "SELECT NULL AS bucket_day WHERE FALSE"},
    ),
    "every_claim_is_published": Case(
        "intermediate.int_artifacts_by_project",
        {
            "intermediate.int_claimed_artifacts": "SELECT 'p' AS project_name, 'a' AS artifact_id",
            "intermediate.int_artifacts_by_project": "SELECT 'p' AS project_name, 'a' AS artifact_id",
        },
        {"intermediate.int_artifacts_by_project": "SELECT 'p' AS project_name, 'b' AS artifact_id"},
    ),
    "every_grant_is_an_event": Case(
        _FUNDED,
        {_GRANTS: "SELECT 'f1' AS funding_id", _FUNDED: "SELECT 'f1' AS event_source_id"},
        {_GRANTS: "SELECT unnest(['f1', 'f2']) AS funding_id"},
    ),
    "github_days_are_current": Case(
        DAILY,
        {"intermediate.int_repository_names": "SELECT 1 AS repo_id", "staging.stg_github__events": _FORK, GITHUB: _FORKED},
        {GITHUB: f"{_FORKED} WHERE FALSE"},
    ),
    "grants_name_known_projects": Case(
        _FUNDED,
        {_FUNDED: "SELECT 'p' AS to_artifact_id", "intermediate.int_projects": "SELECT 'p' AS project_id"},
        {"intermediate.int_projects": "SELECT 'q' AS project_id"},
    ),
    "has_rows": _each("marts.projects_v1", "SELECT 'p' AS project_id", "SELECT 'p' AS project_id WHERE FALSE"),
    "id_is_published": _each(
        "marts.projects_v1",
        "SELECT 'opensource-observer' AS project_name, 'UuWbpo5bpL5QsYvlukUWNm2uE8HFjxQxzCM0e+HMZfk=' AS project_id",
        "SELECT 'opensource-observer' AS project_name, 'other' AS project_id",
    ),
    "networks_known": _each(
        "intermediate.int_address_claims",
        "SELECT 'base' AS network, TRUE AS network_known",
        "SELECT 'newchain' AS network, FALSE AS network_known",
    ),
    "no_claim_lost": _each(
        "intermediate.int_claims_reconciled",
        "SELECT 3 AS raw_claims, 1 AS artifact_claims, 1 AS organization_claims, 1 AS rejected_claims",
        "SELECT 3 AS raw_claims, 1 AS artifact_claims, 1 AS organization_claims, 0 AS rejected_claims",
    ),
    "no_gap_by_day": _each(GITHUB, DAYS.format(days=40), f"{DAYS.format(days=40)} WHERE day <> 7"),
    "no_row_lost": _each(
        "intermediate.int_events_reconciled",
        "SELECT 3 AS held_rows, 1 AS event_rows, 1 AS unnamed_rows, 1 AS unusable_rows, 0.3 AS held_amount, 0.1 + 0.2 AS event_amount",
        "SELECT 3 AS held_rows, 1 AS event_rows, 1 AS unnamed_rows, 1 AS unusable_rows, 0.3 AS held_amount, 0.31 AS event_amount",
    ),
    "not_null": _each("staging.seed_bots", "SELECT 'b' AS login, 'r' AS read_in", "SELECT 'b' AS login, NULL AS read_in"),
    "not_null_non_blocking": _each(
        "staging.stg_npm__downloads",
        "SELECT 'p' AS package, DATE '2026-11-01' AS event_day, 1 AS downloads",
        "SELECT 'p' AS package, DATE '2026-11-01' AS event_day",
    ),
    "refers_to": Case(
        "intermediate.int_entities_by_artifact",
        {
            "intermediate.int_artifacts": "SELECT 'a' AS artifact_id",
            "intermediate.int_entities_by_artifact": "SELECT 'a' AS artifact_id",
        },
        {"intermediate.int_artifacts": "SELECT 'b' AS artifact_id"},
    ),
    "refers_to_every_claim": Case(
        "intermediate.int_artifacts",
        {
            "intermediate.int_claimed_artifacts": "SELECT 'a' AS artifact_id",
            "intermediate.int_artifacts": "SELECT 'a' AS artifact_id",
        },
        {"intermediate.int_artifacts": "SELECT 'b' AS artifact_id"},
    ),
    "sums_equal_days": Case(
        METRICS, {METRICS: _STARS.format(amount=3), DAILY: _STAR_DAYS}, {METRICS: _STARS.format(amount=4)}, {"metric": "'stars'"}
    ),
    "sums_equal_events": Case(
        DAILY,
        {GITHUB: _EVENT.format(events=3), DAILY: _DAY.format(amount=0.3, events=3)},
        {DAILY: _DAY.format(amount=0.3, events=2)},
    ),
    "unique_combination_of_columns": _each(
        "intermediate.int_events_reconciled",
        "SELECT unnest(['a', 'b']) AS raw_table, '' AS category",
        "SELECT unnest(['a', 'a']) AS raw_table, '' AS category",
    ),
    "unique_combination_of_columns_non_blocking": _each(
        "staging.stg_npm__downloads",
        "SELECT unnest(['a', 'b']) AS package, DATE '2026-11-01' AS event_day",
        "SELECT unnest(['a', 'a']) AS package, DATE '2026-11-01' AS event_day",
    ),
    "unique_values": _each("staging.seed_bots", "SELECT unnest(['a', 'b']) AS login", "SELECT unnest(['a', 'a']) AS login"),
    "unique_values_non_blocking": _each(
        "staging.stg_open_collective__donations",
        "SELECT unnest(['a', 'b']) AS donation_id",
        "SELECT unnest(['a', 'a']) AS donation_id",
    ),
    "volume_in_band": _each(GITHUB, _events(20, 30, newest=25), _events(20, 30, newest=2)),
}
CASES["no_gap_by_day"] = Case(DAILY, CASES["no_gap_by_day"].good, CASES["no_gap_by_day"].bad)
CASES["volume_in_band"] = Case(DAILY, CASES["volume_in_band"].good, CASES["volume_in_band"].bad)
YOUNG: dict[str, Rows] = {
    "nothing has landed": {GITHUB: f"{DAYS.format(days=2)} WHERE FALSE"},
    "the first day": {GITHUB: DAYS.format(days=2)},
    "the first day, and today": {
        GITHUB: "SELECT DATE '2026-11-28' + CAST(d.day AS INTEGER) AS event_day, 'FORKED' AS event_type, 'GITHUB' AS event_source FROM range(1, 3) AS d(day)"
    },
    "thirteen days and a burst": {GITHUB: _events(13, 30, newest=5_000)},
    "a kind that is rare": {GITHUB: _events(40, 2, newest=1)},
    "a history that ended long ago, with a gap": {
        GITHUB: "SELECT unnest([DATE '2025-10-01', DATE '2025-10-09']) AS event_day, 'FORKED' AS event_type, 'GITHUB' AS event_source"
    },
}
"""Histories in which nothing is wrong."""
