"""Heartbeats of sensors and schedules, and the recording and delivery of incidents that all of them share."""
