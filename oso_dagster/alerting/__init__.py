"""Delivery of announcements to Discord and the log: `delivery` is the loop, `discord` and `log` are the channels.

Does not belong here: which alerts there are and when (`domain.alerts`), the outbox (`reliability`). Knows nothing of dagster.
"""
