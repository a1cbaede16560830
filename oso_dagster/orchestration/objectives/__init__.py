"""From the ledger to assessments of every objective, and the assets and checks that show them in Dagster."""
