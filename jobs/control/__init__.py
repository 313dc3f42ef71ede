"""The loop: `reconcile` decides (pure), `steps` act, `controller` makes one claimed pass, `claim` holds the row."""
