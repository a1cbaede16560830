"""The public page: its asset, and its read model."""
