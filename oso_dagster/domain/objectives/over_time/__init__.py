"""What became of objectives over time: days, breaches, silence, assets that were renamed."""
