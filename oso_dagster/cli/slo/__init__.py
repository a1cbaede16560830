"""`oso slo`: verdicts, explanations, maintenance windows, reported samples."""
