"""`oso probe`: the standing process that measures services, its probes, and a look at the published page from outside."""
