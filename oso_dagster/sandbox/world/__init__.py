"""The truth of a world, from one seed: its inhabitants and what they did. Pure: no file, no socket, no clock."""
