"""Who looks after the platform, and how what is wrong is written down and sent."""
