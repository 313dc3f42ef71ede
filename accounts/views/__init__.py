"""The pages of accounts: Job Settings, API tokens. Each calls the verbs of `accounts.services` and saves nothing itself."""
