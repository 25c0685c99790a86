"""The schema as it stands after all migrations, for people to read and for a test to hold.

`python -m tracker.store.schema > tracker/store/schema.sql` writes it again after a migration.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tracker.store.db import open_store

_HEAD = "-- Generated: python -m tracker.store.schema > tracker/store/schema.sql\n"
_KINDS = ("table", "index", "view")


def dump_schema(db: sqlite3.Connection) -> str:
    """Write out every table, index and view of ours, as it was made, comments included."""
    rows = db.execute(
        """SELECT type, sql FROM sqlite_schema
        WHERE sql IS NOT NULL AND substr(tbl_name, 1, 1) <> '_' AND tbl_name NOT LIKE 'sqlite!_%' ESCAPE '!'
        ORDER BY rowid"""
    ).fetchall()
    found = sorted(rows, key=lambda row: _KINDS.index(row[0]))
    return _HEAD + "".join(f"\n{sql};\n" for _, sql in found)


def main() -> None:
    """Print the schema of a fresh store."""
    with tempfile.TemporaryDirectory() as folder, closing(open_store(Path(folder))) as db:
        print(dump_schema(db), end="")


if __name__ == "__main__":
    main()
