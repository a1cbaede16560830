"""How a declared table becomes an asset with checks, a job and a schedule, and how one load of it runs."""
