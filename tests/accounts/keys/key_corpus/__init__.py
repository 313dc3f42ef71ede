"""Real keys from the real tools, and broken ones made out of them."""
