"""What survives the end of a control plane."""

from pathlib import Path

from controlplane.limits.journal import Journal

ID = ("team", "tokens", ("acme",))
OTHER = ("team", "tokens", ("ümlaut\n",))


def _journal(tmp_path: Path, wall: float) -> Journal:
    return Journal(tmp_path / "limits.journal", lambda: wall)


def test_nothing_is_known_at_first(tmp_path: Path) -> None:
    assert _journal(tmp_path, 100.0).load() == ({}, 0.0)


def test_the_last_floor_of_each_bucket_is_known_again(tmp_path: Path) -> None:
    journal = _journal(tmp_path, 100.0)
    journal.write([(ID, 50.0), (OTHER, 7.5)])
    journal.write([(ID, -3.0)])
    journal.close()
    levels, away_s = _journal(tmp_path, 160.0).load()
    assert levels == {ID: -3.0, OTHER: 7.5}
    assert away_s == 59.0  # a second less: the last word may be so old


def test_a_line_that_was_cut_off_is_no_line(tmp_path: Path) -> None:
    journal = _journal(tmp_path, 100.0)
    journal.write([(ID, 50.0)])
    journal.close()
    with (tmp_path / "limits.journal").open("ab") as file:
        file.write(b'{"at": 101, "id": ["team", "tok')
    journal = _journal(tmp_path, 100.0)
    assert journal.load() == ({ID: 50.0}, 0.0)
    journal.write([(OTHER, 2.0)])
    journal.close()
    assert journal.load()[0] == {ID: 50.0, OTHER: 2.0}


def test_it_is_written_anew_with_what_is_to_be_known(tmp_path: Path) -> None:
    journal = _journal(tmp_path, 100.0)
    journal.write([(ID, 50.0), (OTHER, 1.0)])
    journal.rewrite({ID: 33.0})
    journal.write([(OTHER, 2.0)])
    journal.close()
    assert _journal(tmp_path, 100.0).load()[0] == {ID: 33.0, OTHER: 2.0}


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "gone" / "limits.journal", lambda: 1.0)
    journal.write([(ID, 50.0)])
    journal.rewrite({ID: 1.0})
    assert journal.load() == ({}, 0.0)
