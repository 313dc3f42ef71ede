"""User accounts and signing in: tokens, sessions, websockets, administrators. Decides who somebody is, and no more."""
