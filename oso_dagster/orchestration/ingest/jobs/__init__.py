"""The jobs that load: when schedules ask for them, what is there or under way already, and how a command runs them."""
