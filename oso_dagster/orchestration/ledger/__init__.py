"""From Dagster's storage to the ledger: which runs there were, and what was attempted in them."""
