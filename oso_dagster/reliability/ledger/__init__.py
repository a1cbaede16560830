"""The ledger: runs, attempts and samples, how they are counted, and their roll-up by day."""
