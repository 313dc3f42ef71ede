"""Whole stories, told with the tools people use, against a portal started as people start it."""
