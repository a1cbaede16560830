"""From assessments and what Dagster says to incidents."""
