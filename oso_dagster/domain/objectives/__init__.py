"""Service level objectives: attempts and samples, how they are counted, budgets, burn rates, freshness, verdicts."""
