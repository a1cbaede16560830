"""What a load is judged by: its checks, and what is usual for its table."""
