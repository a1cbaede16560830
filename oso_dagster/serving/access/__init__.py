"""Who asks, and how much: API keys, and limits for each of them."""
