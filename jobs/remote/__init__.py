"""What the portal does on a head node over SSH: `program.py` runs there, `client.py` calls it from here."""
