"""Jobs, the clusters they run on, the loop that moves clusters, and who may reach which node."""
