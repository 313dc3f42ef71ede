"""The pages of accounts. Each calls the verbs of `accounts.services` and saves nothing itself."""
