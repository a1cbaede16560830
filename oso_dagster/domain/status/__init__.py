"""The read model of the public status page: every value that it shows, and nothing that is not public."""
