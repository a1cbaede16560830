"""GitHub: GH Archive's hourly files of events, and the REST API in rounds under its rate limit."""
