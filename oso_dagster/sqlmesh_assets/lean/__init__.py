"""Where SQLMesh does again what it has done: the same results for less. Does not belong here: what is computed."""
