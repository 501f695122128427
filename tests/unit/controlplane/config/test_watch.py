"""A watched file: every way in which editors, shells and Kubernetes change one."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controlplane.clock import MonotonicClock
from controlplane.config.watch import texts
from tests.support.wait import until

FIRST = "version: 1\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "outrider.yaml"
    path.write_text(FIRST)
    return path


@asynccontextmanager
async def watching(path: Path, known: str | None = FIRST) -> AsyncIterator[list[str]]:
    """What the watch hands out, as it comes."""
    seen: list[str] = []

    async def follow() -> None:
        async for text in texts(path, known, MonotonicClock()):
            seen.append(text)  # noqa: PERF401 - it never ends, and is looked at meanwhile

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        yield seen
        task.cancel()


async def test_the_first_text_is_handed_out_unless_known(file: Path) -> None:
    async with watching(file, known=None) as seen:
        await until(lambda: seen == [FIRST])


async def test_a_written_file_is_seen_once(file: Path) -> None:
    async with watching(file) as seen:
        file.write_text("version: 2\n")
        await until(lambda: bool(seen))
        file.write_text("version: 3\n")
        await until(lambda: len(seen) == 2)
        assert seen == ["version: 2\n", "version: 3\n"]


async def test_a_rename_over_the_file_is_seen(file: Path) -> None:
    async with watching(file) as seen:
        other = file.with_suffix(".new")
        other.write_text("version: 2\n")
        os.replace(other, file)
        await until(lambda: seen == ["version: 2\n"])


async def test_a_swapped_config_map_is_seen(tmp_path: Path) -> None:
    for name, text in (("one", FIRST), ("two", "version: 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "outrider.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "outrider.yaml").symlink_to("..data/outrider.yaml")
    async with watching(tmp_path / "outrider.yaml") as seen:
        (tmp_path / "..new").symlink_to("two")
        os.replace(tmp_path / "..new", tmp_path / "..data")
        await until(lambda: seen == ["version: 2\n"])


async def test_a_file_that_is_missing_for_a_while_is_waited_for(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(file) as seen:
        file.unlink()
        await until(lambda: "is missing" in caplog.text)
        file.write_text("version: 2\n")
        await until(lambda: seen == ["version: 2\n"])
        assert caplog.text.count("is missing") == 1


async def test_a_file_that_comes_back_the_same_is_not_handed_out(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(file) as seen:
        file.unlink()
        await until(lambda: "is missing" in caplog.text)
        file.write_text(FIRST)
        file.with_suffix(".touched").touch()
        await until(lambda: file.exists())
        file.write_text("version: 2\n")
        await until(lambda: bool(seen))
        assert seen == ["version: 2\n"]


async def test_a_truncated_file_is_not_handed_out(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(file) as seen:
        file.write_text("")
        await until(lambda: "is empty" in caplog.text)
        file.write_text("version: 2\n")
        await until(lambda: bool(seen))
        assert seen == ["version: 2\n"]


async def test_a_file_written_in_pieces_is_handed_out_whole(file: Path) -> None:
    pieces = [f"line {number}\n" for number in range(8)]
    async with watching(file) as seen:
        with file.open("w") as out:
            for piece in pieces:
                out.write(piece)
                out.flush()
                # What is tested is time: a writer that is slower than a poll of the debounce.
                await asyncio.sleep(0.02)
        await until(lambda: bool(seen))
        assert seen == ["".join(pieces)]


async def test_text_that_is_not_utf8_is_told_and_left_alone(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(file) as seen:
        file.write_bytes(b"a: b\nname: \xff\n")
        await until(lambda: f"{file}:2: byte 0xff is not UTF-8" in caplog.text)
        file.write_text("version: 2\n")
        await until(lambda: seen == ["version: 2\n"])
