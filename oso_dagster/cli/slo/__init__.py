"""`oso slo`: verdicts, maintenance windows, reported samples."""
