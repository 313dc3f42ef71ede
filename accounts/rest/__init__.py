"""What every REST endpoint of the portal shares: errors, field names, pages, parsing, permissions. Has no endpoints."""
