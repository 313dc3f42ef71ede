"""Who you are, what you may use, what you did. Imports no other app of ours."""
