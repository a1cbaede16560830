"""Superchain as the sandbox serves it: its raw data, asked by BigQuery's REST API. What happened on it is `world.chains`'."""

from __future__ import annotations

from oso_dagster.sandbox.protocols import bigquery
from oso_dagster.sandbox.protocols.family import Endpoint, Family
from oso_dagster.sandbox.world import chains, forge

FAMILY = Family(
    "bigquery",
    (Endpoint("superchain_url", "/bigquery", "BigQuery's REST API, over the raw data of the Superchain"),),
    forge.write,
    bigquery.serve,
    chains.truth,
    faults=("chain_missing", "duplicate_rows"),
)
