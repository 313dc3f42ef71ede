"""The context broker: nodes register here with a one-time token, receive their context, and report how they booted.

It stores what nodes say and trusts none of it. It never connects to a node and never starts or ends one.
"""
