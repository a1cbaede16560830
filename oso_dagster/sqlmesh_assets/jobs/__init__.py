"""What is launched beside materializing: one file per kind of job. Does not belong here: how it is done (`execution`)."""
