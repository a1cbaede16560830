"""Fills the ledger from Dagster's storage: which runs there were, and which attempts at assets were made in them."""
