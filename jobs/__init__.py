"""Work, the cluster under it, the loop that keeps its word, who may reach which node."""
