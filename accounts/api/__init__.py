"""The REST API of accounts, and the manners every REST answer of the portal has: errors, pages, parsing."""
