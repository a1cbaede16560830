"""What people are told, and the task that follows."""
