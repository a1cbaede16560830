"""The public status page: its asset, job and schedule, and how its read model is gathered from the store."""
