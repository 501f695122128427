"""Revisions survive, count up, and are made only when something changed."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.revisions.sqlite import SqliteRevisions
from controlplane.revisions.store import Revision, RevisionsError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "revisions.sqlite"


@pytest.fixture
def revisions(path: Path) -> Iterator[SqliteRevisions]:
    store = SqliteRevisions(path)
    yield store
    store.close()


def test_first_revision_is_number_one(revisions: SqliteRevisions) -> None:
    made = revisions.append("a: 1", "f.yaml", "ada", "v1", 12.5)
    assert made == Revision(1, "a: 1", "f.yaml", "ada", "v1", 12.5)
    assert revisions.latest() == made


def test_empty_store_has_no_latest_revision(revisions: SqliteRevisions) -> None:
    assert revisions.latest() is None


def test_same_text_again_makes_no_revision(revisions: SqliteRevisions) -> None:
    first = revisions.append("a: 1", "f.yaml", "ada", "v1", 1.0)
    assert revisions.append("a: 1", "g.yaml", "bob", "v1", 2.0) == first
    assert len(revisions.history(10)) == 1


def test_same_text_that_compiles_to_something_else_is_a_revision(
    revisions: SqliteRevisions,
) -> None:
    revisions.append("a: 1", "f.yaml", "ada", "v1", 1.0)
    assert revisions.append("a: 1", "f.yaml", "ada", "v2", 2.0).number == 2


def test_going_back_to_an_older_text_is_a_revision(revisions: SqliteRevisions) -> None:
    for number, text in enumerate(["a: 1", "a: 2", "a: 1"], 1):
        assert revisions.append(text, "f.yaml", "ada", text, 1.0).number == number


def test_older_revisions_are_read_by_number(revisions: SqliteRevisions) -> None:
    first = revisions.append("a: 1", "f.yaml", "ada", "v1", 1.0)
    revisions.append("a: 2", "f.yaml", "ada", "v2", 2.0)
    assert revisions.get(1) == first
    assert revisions.get(3) is None
    assert revisions.get(0) is None
    assert revisions.get(1 << 80) is None


def test_history_is_newest_first(revisions: SqliteRevisions) -> None:
    for number in range(5):
        revisions.append(f"a: {number}", "f.yaml", "ada", str(number), 1.0)
    assert [one.number for one in revisions.history(2)] == [5, 4]


def test_revisions_are_there_after_the_store_is_opened_again(path: Path) -> None:
    store = SqliteRevisions(path)
    made = store.append("é: ✓", "f.yaml", "ada", "v1", 1.0)
    store.close()
    again = SqliteRevisions(path)
    assert again.latest() == made
    again.close()


CRASH = """
import os, signal, sys
from pathlib import Path
from controlplane.revisions.sqlite import SqliteRevisions
store = SqliteRevisions(Path(sys.argv[1]))
store.append("a: 1", "f.yaml", "ada", "v1", 1.0)
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("INSERT INTO revisions VALUES (NULL, 'half', '', '', '', 0)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_what_it_appended_and_nothing_half(path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    store = SqliteRevisions(path)
    assert [one.config for one in store.history(10)] == ["a: 1"]
    assert store.append("a: 2", "f.yaml", "ada", "v2", 2.0).number == 2
    store.close()


def test_writes_wait_for_the_disk(revisions: SqliteRevisions) -> None:
    full = 2
    (mode,) = revisions._connection.execute("PRAGMA synchronous").fetchone()
    (journal,) = revisions._connection.execute("PRAGMA journal_mode").fetchone()
    assert (mode, journal) == (full, "wal")


def test_threads_append_one_after_the_other(revisions: SqliteRevisions) -> None:
    def append(text: str) -> None:
        revisions.append(text, "f.yaml", "ada", text, 1.0)

    threads = [threading.Thread(target=append, args=(f"a: {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.number for one in revisions.history(99)) == list(range(1, 9))


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(RevisionsError, match=r"revisions\.sqlite: file is not a database"):
        SqliteRevisions(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RevisionsError, match="file"):
        SqliteRevisions(tmp_path / "file" / "revisions.sqlite")


def test_a_file_of_a_newer_outrider_is_refused(path: Path) -> None:
    SqliteRevisions(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(RevisionsError, match="newer Outrider"):
        SqliteRevisions(path)
