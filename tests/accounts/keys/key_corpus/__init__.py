"""Real keys made by real tools, and broken ones made from them."""
