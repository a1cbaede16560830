"""The parts of GitHub that the sandbox serves: what things there are, and what each kind of endpoint answers."""
