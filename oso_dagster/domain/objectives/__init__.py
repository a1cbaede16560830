"""What is promised, measured and concluded."""
