"""Our definitions of metrics beside those of CNCF DevStats and CHAOSS Augur, whose own SQL is run on the same events."""
