"""What `benchmarks.terminal` and `benchmarks.terminal_many` are made of."""
