"""The reliability store: the ledger of attempts, verdicts over time, and what was announced. Knows nothing of dagster."""
