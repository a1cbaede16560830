"""The orchestration of Open Source Observer: ingest, transform, measure the objectives, raise the alarm, show the state."""
