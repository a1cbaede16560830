"""Coverage: of what truly happened upstream, the share that we hold, with its bounds and the verdict on it."""
