"""Who users are, what they may use and what they did. Imports no other app of Headnode."""
