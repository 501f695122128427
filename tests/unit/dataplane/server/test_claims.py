"""A port of this machine is one data plane's, whose workers share it."""

from pathlib import Path

import pytest

from dataplane.server.claims import ClaimedError, Claims


def claims(folder: Path, family: str) -> Claims:
    return Claims(folder, family, f"data plane {family}")


def test_workers_of_one_data_plane_have_the_same_port(tmp_path: Path) -> None:
    claims(tmp_path, "one").take("127.0.0.1", 8000)
    claims(tmp_path, "one").take("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("first", "second"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "::")],
    ids=["the same address", "one of all", "all of one"],
)
def test_another_data_plane_is_told_who_has_it(tmp_path: Path, first: str, second: str) -> None:
    held = claims(tmp_path, "one").take(first, 8000)
    with pytest.raises(ClaimedError, match="data plane one listens there"):
        claims(tmp_path, "two").take(second, 8000)
    held.release()
    claims(tmp_path, "two").take(second, 8000)


def test_port_is_had_until_the_last_worker_gives_it_back(tmp_path: Path) -> None:
    first, second = (claims(tmp_path, "one").take("127.0.0.1", 8000) for _ in range(2))
    first.release()
    first.release()
    with pytest.raises(ClaimedError):
        claims(tmp_path, "two").take("127.0.0.1", 8000)
    second.release()
    claims(tmp_path, "two").take("127.0.0.1", 8000)


def test_other_ports_and_addresses_are_free(tmp_path: Path) -> None:
    claims(tmp_path, "one").take("127.0.0.1", 8000)
    claims(tmp_path, "two").take("127.0.0.1", 8001)
    claims(tmp_path, "two").take("127.0.0.2", 8000)
    claims(tmp_path, "one").take("127.0.0.1", 0)
    claims(tmp_path, "two").take("127.0.0.1", 0)


def test_what_a_dead_data_plane_has_left_is_cleared_away(tmp_path: Path) -> None:
    claims(tmp_path, "one").take("127.0.0.1", 8000).release()
    claims(tmp_path, "two").take("127.0.0.1", 8000)
    assert len(list(tmp_path.glob("8000@*"))) == 1


def test_folder_that_cannot_be_used_keeps_nobody_from_listening(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    claims(file, "one").take("127.0.0.1", 8000)
