"""The command line `headnode`: its pure parts, and the installed wheel driven as a person drives it."""
