"""Measurements the README quotes. Each file is a program: `python -m benchmarks.provision`."""
