"""The reliability store: the ledger of attempts, verdicts over time, and the state of alerting. Knows nothing of dagster."""
