"""What was said and what is open: incidents, sprints, the outbox, channels, heartbeats."""
