"""GitHub's two faces: GH Archive's hourly files, and the REST API in rounds under its rate limit."""
