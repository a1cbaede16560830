"""How a declared table becomes an asset, a job and a load."""
