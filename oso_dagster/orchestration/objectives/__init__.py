"""From the ledger to assessments, and how Dagster shows them."""
