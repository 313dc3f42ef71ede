"""A gateway process at work: it opens terminals, serves their websockets, and applies what the database says.

The only room of this app that joins terminals to sessions, recordings and connections.
"""
