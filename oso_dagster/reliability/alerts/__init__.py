"""The stored state of alerting: incidents, sprints, the outbox, channels, heartbeats."""
