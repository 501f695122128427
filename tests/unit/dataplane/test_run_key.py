"""The key that tickets of runs are sealed with."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dataplane.run_key import NAME, BadRunKeyError, run_key


def test_workers_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: run_key(None, tmp_path), range(32)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_only_we_can_read_it(tmp_path: Path) -> None:
    run_key(None, tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_costs_no_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert len(run_key(None, tmp_path / "file")) == 32


def test_machines_with_the_same_file_share_its_key(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a key of many words\n")
    other.write_text("a key of many words")
    assert run_key(one, tmp_path) == run_key(other, tmp_path) != run_key(None, tmp_path)


@pytest.mark.parametrize("text", ["", "short", None], ids=["empty", "short", "absent"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadRunKeyError, match="key"):
        run_key(file, tmp_path)
