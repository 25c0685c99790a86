"""The store's schema: written down, strict, migrated once, and refused where it is not ours."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from sqlite_utils import Database

from tests.waiting import wait_for
from tracker.errors import Permanent, Retryable
from tracker.store.db import FILE, atomic, open_store, writer_lock
from tracker.store.migrations import migrations
from tracker.store.schema import dump_schema
from tracker.store.sql import statements


@pytest.fixture
def db(data: Path) -> Iterator[sqlite3.Connection]:
    """Give a fresh store that may be written."""
    with closing(open_store(data, write=True)) as store:
        yield store


def test_the_schema_is_the_one_that_is_written_down(db: sqlite3.Connection) -> None:
    """Whoever changes the schema writes it down anew: python -m tracker.store.schema says how."""
    written = resources.files("tracker.store").joinpath("schema.sql").read_text("utf-8")
    assert dump_schema(db) == written


def test_every_table_is_strict(db: sqlite3.Connection) -> None:
    """A column holds what its type says."""
    tables = db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    own = {name: strict for name, strict in tables if not name.startswith(("sqlite_", "_sqlite"))}
    assert len(own) > 20
    assert [name for name, strict in own.items() if not strict] == []


def test_the_readable_views_can_all_be_read(db: sqlite3.Connection) -> None:
    """An analyst may open the file and select from any view, empty or not."""
    views = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert {"sessions", "leads", "touchpoints", "journeys", "persons", "hits", "changes"} <= set(views)
    for view in views:
        assert db.execute(f"SELECT * FROM {view}").fetchall() == []


REFUSED = {
    "a site without a key": (
        "INSERT INTO site VALUES (1, '', '[]', 'UTC', 'USD', 'US', 'granted', 1, 0, 0, '{}', '{}')"
    ),
    "a site whose domains are no JSON": (
        "INSERT INTO site VALUES (1, 'a', 'x', 'UTC', 'USD', 'US', 'granted', 1, 0, 0, '{}', '{}')"
    ),
    "a consent that nobody knows": (
        "INSERT INTO site VALUES (1, 'a', '[]', 'UTC', 'USD', 'US', 'maybe', 1, 0, 0, '{}', '{}')"
    ),
    "a text for a number": "INSERT INTO visitor VALUES ('one', 'v1', 'x')",
    "a visitor twice": "INSERT INTO visitor VALUES (1, 'v1', 'x'), (2, 'v1', 'x')",
    "a hit of no kind": (
        "INSERT INTO hit (site_no, event_key, visitor_no, at_ms, kind, page_no, flags, received_ms)"
        " VALUES (1, 'e', 1, 1, 9, 1, 0, 1)"
    ),
    "a hit twice": (
        "INSERT INTO hit (site_no, event_key, visitor_no, at_ms, kind, page_no, flags, received_ms)"
        " VALUES (1, 'e', 1, 1, 0, 1, 0, 1), (1, 'e', 2, 2, 0, 2, 0, 2)"
    ),
    "a fact that is no JSON": "INSERT INTO fact VALUES (1, 'lead', 1, 'k', 1, x'00', 'x', 'api', 1)",
    "a token of no site": "INSERT INTO token VALUES ('x', 99, 'leads', 1, NULL)",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_the_store_itself_refuses_nonsense(db: sqlite3.Connection, statement: str) -> None:
    """What a bug might write, a constraint stops."""
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def test_a_reader_cannot_write(data: Path, db: sqlite3.Connection) -> None:
    """A connection that was not opened to write refuses to."""
    with closing(open_store(data)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM hit")


def test_readers_go_on_while_a_writer_writes(data: Path, db: sqlite3.Connection) -> None:
    """Write-ahead logging: a reader sees what was committed, and waits for nobody."""
    with closing(open_store(data)) as reader:
        with atomic(db):
            db.execute("INSERT INTO visitor VALUES (1, 'v1', 'x')")
            assert reader.execute("SELECT count(*) FROM visitor").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM visitor").fetchone() == (1,)


def test_a_store_belongs_to_its_owner_alone(data: Path, db: sqlite3.Connection) -> None:
    """Nobody else on the machine may read who visited."""
    assert (data / FILE).stat().st_mode & 0o077 == 0


def test_opening_again_changes_nothing(data: Path, db: sqlite3.Connection) -> None:
    """A store that is up to date is left as it is; no copy is made."""
    before = sorted(path.name for path in data.iterdir())
    with closing(open_store(data, write=True)) as again:
        assert dump_schema(again) == dump_schema(db)
    assert sorted(path.name for path in data.iterdir()) == before


def test_two_processes_may_make_one_store_together(data: Path) -> None:
    """Whoever comes second finds it made."""
    words = [
        sys.executable, "-c",
        "import sys; from pathlib import Path; from tracker.store.db import open_store;"
        "open_store(Path(sys.argv[1]), write=True).close()", str(data),
    ]  # fmt: skip
    processes = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors


def test_a_store_that_holds_data_is_copied_before_it_is_migrated(data: Path, db: sqlite3.Connection) -> None:
    """The way back: the file as it was before the first new step."""
    db.execute("INSERT INTO visitor VALUES (1, 'v1', 'x')")
    db.execute("DELETE FROM _sqlite_migrations")
    db.close()
    with pytest.raises(Permanent, match="already exists"):
        open_store(data)
    with closing(sqlite3.connect(data / "touchline.before-upgrade.db")) as copy:
        assert copy.execute("SELECT visitor_id FROM visitor").fetchall() == [("v1",)]


def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is all or nothing: the next start begins it again."""
    whole = statements("readable")
    with monkeypatch.context() as patch:
        patch.setattr(
            "tracker.store.sql.statements", lambda name: ["CREATE TABLE half (a)", "CREATE nonsense"]
        )
        with pytest.raises(Permanent):
            open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as half:
        assert half.execute("SELECT name FROM sqlite_schema WHERE name = 'half'").fetchall() == []
    with closing(open_store(tmp_path)) as store:
        assert len(whole) <= store.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def test_a_store_of_a_newer_version_is_refused(data: Path, db: sqlite3.Connection) -> None:
    """An older program must not write what it does not understand."""
    row = {"migration_set": migrations.name, "name": "m999_later", "applied_at": "2030-01-01"}
    Database(db)["_sqlite_migrations"].insert(row)
    with pytest.raises(Permanent, match="newer version .* m999_later"):
        open_store(data)


def test_a_file_that_is_no_store_is_refused(data: Path) -> None:
    """Something else under our name is not overwritten."""
    (data / FILE).write_text("Dear diary, " * 500)
    with pytest.raises(Permanent, match="cannot be opened"):
        open_store(data)
    assert (data / FILE).read_text().startswith("Dear diary")


def test_one_writer_at_a_time(data: Path) -> None:
    """Who waits for longer than it may is told to come back; who waits long enough gets its turn."""
    with writer_lock(data), pytest.raises(Retryable), writer_lock(data, wait_s=0.02):
        pass
    with writer_lock(data, wait_s=0.02):
        pass


def test_a_writer_that_dies_gives_its_place_back(data: Path) -> None:
    """The lock is the operating system's: no file has to be cleared away by hand."""
    words = [
        sys.executable, "-c",
        "import sys, time; from pathlib import Path; from tracker.store.db import writer_lock;"
        "lock = writer_lock(Path(sys.argv[1])); lock.__enter__(); print('held', flush=True); time.sleep(60)",
        str(data),
    ]  # fmt: skip
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Retryable), writer_lock(data, wait_s=0.02):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    wait_for(lambda: _can_write(data))


def _can_write(data: Path) -> bool:
    try:
        with writer_lock(data, wait_s=0.01):
            return True
    except Retryable:
        return False


def test_a_transaction_is_whole_or_not_at_all(db: sqlite3.Connection) -> None:
    """An exception takes back what was written before it."""
    with pytest.raises(ZeroDivisionError), atomic(db):
        db.execute("INSERT INTO visitor VALUES (1, 'v1', 'x')")
        raise ZeroDivisionError
    assert db.execute("SELECT count(*) FROM visitor").fetchone() == (0,)
