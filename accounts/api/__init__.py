"""The REST API of accounts. Each view calls `accounts.services` and saves nothing itself."""
