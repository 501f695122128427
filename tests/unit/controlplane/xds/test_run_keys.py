"""Keys of runs: replaced in time, kept over restarts, and the one before stays good."""

import asyncio
from pathlib import Path

import pytest

from controlplane.security import Security
from controlplane.xds.run_keys import LIVES_S, BadRunKeyError, RunKeys, SharedRunKeys


class Wall:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def loaded(path: Path, wall: Wall) -> RunKeys:
    keys = RunKeys(path, wall)
    keys.load()
    return keys


async def test_key_is_kept_over_a_restart_where_only_we_can_read_it(tmp_path: Path) -> None:
    path, wall = tmp_path / "run-keys.json", Wall()
    keys = loaded(path, wall)
    (key,) = keys.current()
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    wall.now += LIVES_S - 1
    assert loaded(path, wall).current() == (key,)


async def test_key_before_the_newest_stays_good_and_no_older_one(tmp_path: Path) -> None:
    path, wall = tmp_path / "run-keys.json", Wall()
    keys = loaded(path, wall)
    (first,) = keys.current()
    assert not keys.replace_old()
    wall.now += LIVES_S
    assert keys.replace_old()
    second, before = keys.current()
    assert before == first != second
    wall.now += LIVES_S
    third, before = loaded(path, wall).current()
    assert before == second != third


async def test_who_was_told_slowly_hears_of_a_key_that_came_meanwhile(tmp_path: Path) -> None:
    wall = Wall()
    keys = loaded(tmp_path / "run-keys.json", wall)
    told = keys.current()
    wall.now += LIVES_S
    keys.replace_old()
    async with asyncio.timeout(5):
        await keys.changed(told)
    assert keys.current() != told


@pytest.mark.parametrize("kept", [b"", b"{}", b"[1]", b'[{"key": "AA==", "made": 1}]', b"\xff"])
async def test_file_that_is_none_is_replaced(tmp_path: Path, kept: bytes) -> None:
    path = tmp_path / "run-keys.json"
    path.write_bytes(kept)
    (key,) = loaded(path, Wall()).current()
    assert loaded(path, Wall()).current() == (key,)


OLD, NEW = "a secret of all of us", "another secret of ours"


def shared(path: Path, wall: Wall, *secrets: str) -> SharedRunKeys:
    path.write_text("\n".join(secrets) + "\n")
    keys = SharedRunKeys(path, wall)
    keys.load()
    return keys


async def test_control_planes_of_one_secret_have_the_same_keys(tmp_path: Path) -> None:
    wall = Wall()
    one, two = (shared(tmp_path / name, wall, OLD).current() for name in ("one", "two"))
    assert one == two
    assert {len(key) for key in one} == {32}
    assert not set(one) & set(shared(tmp_path / "one", wall, NEW).current())


async def test_key_that_seals_anywhere_opens_everywhere(tmp_path: Path) -> None:
    """Also where clocks differ by less than a day, and a day after it has sealed the last time."""
    wall = Wall()
    keys = shared(tmp_path / "k", wall, OLD)
    first = keys.current()
    wall.now += LIVES_S
    assert keys.replace_old()
    second = keys.current()
    assert second[0] != first[0]
    assert second[0] in first
    assert first[0] in second
    assert not keys.replace_old()
    wall.now += LIVES_S
    keys.replace_old()
    assert first[0] not in keys.current()


async def test_secret_is_replaced_while_both_open(tmp_path: Path) -> None:
    wall, path = Wall(), tmp_path / "k"
    keys = shared(path, wall, OLD)
    old = keys.current()[0]
    told = asyncio.ensure_future(keys.changed(keys.current()))
    path.write_text(f"{OLD}\n{NEW}\n")
    keys.replace_old()
    async with asyncio.timeout(5):
        await told
    assert keys.current()[0] == old
    path.write_text(f"{NEW}\n{OLD}\n")
    assert keys.replace_old()
    assert keys.current()[0] == shared(tmp_path / "other", wall, NEW).current()[0] != old
    assert old in keys.current()


@pytest.mark.parametrize(
    "text",
    [None, "", "too short", f"{OLD}\nshort", f"{OLD}\n{NEW}\n{OLD}x"],
    ids=["no file", "empty", "short", "second one short", "three"],
)
async def test_file_that_is_no_secret_is_told_and_leaves_the_last_one(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "k"
    keys = shared(path, Wall(), OLD)
    before = keys.current()
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert not keys.replace_old()
    assert keys.current() == before
    assert OLD not in caplog.text
    with pytest.raises(BadRunKeyError) as told:
        SharedRunKeys(path, Wall()).load()
    assert OLD not in str(told.value)


LOOPBACK, OPEN = "127.0.0.1:18000", "0.0.0.0:18000"
FILE = Path("any")


@pytest.mark.parametrize(
    ("security", "address", "keeps"),
    [
        pytest.param(Security(), LOOPBACK, False, id="nobody shows who it is"),
        pytest.param(Security(token_file=FILE), LOOPBACK, True, id="a token on loopback"),
        pytest.param(Security(token_file=FILE), OPEN, False, id="a token that anybody may read"),
        pytest.param(Security(FILE, FILE, token_file=FILE), OPEN, True, id="a token over TLS"),
        pytest.param(Security(FILE, FILE, FILE), OPEN, True, id="a certificate"),
        pytest.param(Security(FILE, FILE), OPEN, False, id="TLS of ours alone"),
    ],
)
def test_secrets_are_told_to_who_is_known_and_to_nobody_else(
    security: Security, address: str, keeps: bool
) -> None:
    assert security.keeps_secrets(address) is keeps
