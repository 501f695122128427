import asyncio
import logging
from pathlib import Path

import pytest

from dataplane.xds.decode import decode
from dataplane.xds.lastgood import FILE_NAME, LastGood, Saver
from dataplane.xds.resource import NOTHING, ResourceKind, Resources
from dataplane.xds.secrets import Secrets
from dataplane.xds.state import XdsState
from tests.support import ads
from tests.support.wait import until

SECRETS = Secrets({"KEY": "resolved-value"})


def resources(*ports: int) -> Resources:
    made = Resources()
    for kind, wire in (
        (ResourceKind.CLUSTER, ads.cluster("c")),
        (ResourceKind.ENDPOINTS, ads.endpoints("c", *ports)),
        (ResourceKind.MODEL_PROVIDER, ads.provider("p", "c", env="KEY")),
    ):
        made = made.with_changes(kind, [decode(kind, wire, NOTHING, SECRETS)], ())
    return made


def saved(directory: Path, *ports: int) -> LastGood:
    last_good = LastGood(directory, "default")
    last_good.save(resources(*ports))
    return last_good


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    last_good = saved(tmp_path / "state", 80)
    loaded = last_good.load(SECRETS)
    assert loaded is not None
    assert XdsState().restore(loaded).state.config == (
        XdsState().restore(resources(80)).state.config
    )


def test_file_is_private_and_holds_no_resolved_secret(tmp_path: Path) -> None:
    saved(tmp_path / "state", 80)
    path = tmp_path / "state" / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"resolved-value" not in path.read_bytes()
    assert [one.name for one in path.parent.iterdir()] == [FILE_NAME]


def test_missing_file_is_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert LastGood(tmp_path, "default").load(SECRETS) is None
    assert caplog.text == ""


@pytest.mark.parametrize("at", [0, 30, -1], ids=["format", "checksum", "body"])
def test_changed_byte_makes_the_file_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, at: int
) -> None:
    last_good = saved(tmp_path, 80)
    data = bytearray((tmp_path / FILE_NAME).read_bytes())
    data[at] ^= 1
    (tmp_path / FILE_NAME).write_bytes(bytes(data))
    assert last_good.load(SECRETS) is None
    assert "is ignored" in caplog.text


@pytest.mark.parametrize("keep", [0, 10, 200], ids=["empty", "no line", "half a body"])
def test_cut_file_is_ignored(tmp_path: Path, keep: int) -> None:
    last_good = saved(tmp_path, 80)
    (tmp_path / FILE_NAME).write_bytes((tmp_path / FILE_NAME).read_bytes()[:keep])
    assert last_good.load(SECRETS) is None


def test_file_of_another_group_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path, 80)
    assert LastGood(tmp_path, "other").load(SECRETS) is None
    assert "of another node group" in caplog.text


def test_missing_secret_makes_the_file_ignored_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert saved(tmp_path, 80).load(Secrets({})) is None
    assert "model provider 'p': environment variable KEY is not set" in caplog.text


def test_equal_content_is_not_written_again(tmp_path: Path) -> None:
    saved(tmp_path, 80)
    before = (tmp_path / FILE_NAME).stat()
    saved(tmp_path, 80)
    assert (tmp_path / FILE_NAME).stat().st_ino == before.st_ino


def test_unwritable_directory_is_a_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    saved(tmp_path / "file" / "state", 80)
    assert "cannot be written" in caplog.text


async def test_saver_writes_the_newest_of_a_burst(tmp_path: Path) -> None:
    last_good = LastGood(tmp_path, "default")
    saver = Saver(last_good, delay_s=0.01)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(saver.run())
        saver.put(resources(80))
        saver.put(resources(81))
        await until((tmp_path / FILE_NAME).exists)
        running.cancel()
    loaded = last_good.load(SECRETS)
    assert loaded is not None
    assert loaded.of(ResourceKind.ENDPOINTS)["c"].body == (
        resources(81).of(ResourceKind.ENDPOINTS)["c"].body
    )


async def test_saver_writes_what_is_left_when_it_is_stopped(tmp_path: Path) -> None:
    saver = Saver(LastGood(tmp_path, "default"), delay_s=60)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(saver.run())
        saver.put(resources(80))
        await asyncio.sleep(0)
        running.cancel()
    assert (tmp_path / FILE_NAME).exists()


def test_log_says_nothing_of_a_good_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        saved(tmp_path, 80).load(SECRETS)
    assert caplog.text == ""
