"""`oso sources`: what is loaded, and how a source is added."""
