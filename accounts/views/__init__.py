"""The pages of accounts. Each view calls `accounts.services` and saves nothing itself."""
