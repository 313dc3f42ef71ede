"""Messages to users about their own keys. Sends each message once."""
