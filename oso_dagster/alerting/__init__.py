"""Delivery of alerts. Knows nothing of dagster, nor of what the alerts are about."""
