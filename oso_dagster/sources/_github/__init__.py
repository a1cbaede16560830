"""The parts of the source `github`: columns, events, changes of repositories, and what is asked in which order."""
