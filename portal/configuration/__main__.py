"""`python -m portal.configuration`: write the tables of settings in docs/operating.md."""

from portal.configuration.documentation import FILE, with_tables

if __name__ == "__main__":
    FILE.write_text(with_tables(FILE.read_text(encoding="utf-8")), encoding="utf-8")
