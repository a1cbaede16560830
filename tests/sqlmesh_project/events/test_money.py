"""Donations and grants as events: whose they are, in which currency, and what became of the rows that are none."""

from __future__ import annotations

import duckdb
import pytest

from oso_dagster.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def warehouse(active_world):
    with duckdb.connect(str(Settings(home=active_world).warehouse_path), read_only=True) as connection:
        yield connection


def test_money_keeps_its_currency_and_what_is_no_event_is_counted(warehouse):
    query = """SELECT event_source, event_type, amount, CAST(time AS DATE) FROM marts.timeseries_events_by_artifact_v0
      WHERE event_source IN ('OPEN_COLLECTIVE', 'GITCOIN', 'GIVETH') ORDER BY ALL"""
    assert [row[:3] for row in warehouse.execute(query).fetchall()] == [
        ("GITCOIN", "DONATION_RECEIVED_USD", 12.5),
        ("GITCOIN", "MATCHING_RECEIVED_USD", 100.5),
        ("GIVETH", "DONATIONS_SO_FAR_USD", 250.25),
        ("OPEN_COLLECTIVE", "DONATION_RECEIVED_EUR", 9.0),
        ("OPEN_COLLECTIVE", "DONATION_RECEIVED_USD", 5.5),
        ("OPEN_COLLECTIVE", "DONATION_RECEIVED_USD", 20.0),
    ]
    account = (
        "SELECT raw_table, category, held_rows, event_rows, unnamed_rows, unusable_rows FROM intermediate.int_events_reconciled"
    )
    assert {row[:2]: row[2:] for row in warehouse.execute(account).fetchall()} == {
        ("defillama.fees", ""): (1, 1, 0, 0),
        ("defillama.trading_volume", ""): (1, 1, 0, 0),
        ("defillama.tvl_events", ""): (4, 2, 2, 0),
        ("eas_optimism.attestations", ""): (2, 1, 1, 0),
        ("gitcoin.all_donations", ""): (3, 1, 1, 1),
        ("gitcoin.all_matching", ""): (1, 1, 0, 0),
        ("giveth.projects", ""): (2, 1, 1, 0),
        ("npm.downloads", ""): (3, 2, 1, 0),
        ("op_atlas.funding_reward", ""): (1, 1, 0, 0),
        ("open_collective.transactions", "EUR"): (1, 1, 0, 0),
        ("open_collective.transactions", "USD"): (2, 2, 0, 0),
        ("oss_funding.funding_data", ""): (4, 4, 0, 0),
    }
