"""From assessments and Dagster's storage to incidents: one round of alerting, the sensors that run it, and the drill."""
