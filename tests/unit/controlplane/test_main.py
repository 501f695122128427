"""What a control plane serves at its start, and after."""

import logging
from pathlib import Path

import pytest

from controlplane.bootstrap import Bootstrap
from controlplane.main import NothingToServeError, running_control_plane
from controlplane.ports import PortTakenError
from controlplane.security import UnsafeAddressError
from controlplane.snapshot.resource import ResourceType
from tests.support.control import BAD, CONFIG, OTHER, control_plane
from tests.support.delta import delta_client
from tests.support.wait import until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "outrider.yaml"
    path.write_text(CONFIG)
    return path


async def test_the_file_is_served(tmp_path: Path, file: Path) -> None:
    async with control_plane(tmp_path, config=file) as plane:
        assert plane.pipeline.in_force is not None
        assert plane.pipeline.in_force.config == CONFIG
        async with delta_client(plane.xds_address) as client:
            await client.subscribe(*ResourceType)
            await client.take(len(ResourceType))
            await until(lambda: plane.fleet.members()[0].stream.whole_version != "")
            assert client.held[ResourceType.LISTENER].keys() == {"models"}


async def test_a_restart_with_the_same_file_makes_no_revision(tmp_path: Path, file: Path) -> None:
    for _ in range(2):
        async with control_plane(tmp_path, config=file) as plane:
            assert plane.pipeline.in_force is not None
            assert plane.pipeline.in_force.number == 1


async def test_a_restart_without_a_file_serves_the_latest_revision(
    tmp_path: Path, file: Path
) -> None:
    async with control_plane(tmp_path, config=file) as plane:
        await plane.pipeline.apply(OTHER, "other.yaml", "me")
    async with control_plane(tmp_path) as plane:
        assert plane.pipeline.in_force is not None
        assert plane.pipeline.in_force.config == OTHER
        assert plane.pipeline.in_force.author == "me"


async def test_the_file_wins_over_the_latest_revision(tmp_path: Path, file: Path) -> None:
    async with control_plane(tmp_path) as plane:
        await plane.pipeline.apply(OTHER, "other.yaml", "me")
    async with control_plane(tmp_path, config=file) as plane:
        assert plane.pipeline.in_force is not None
        assert plane.pipeline.in_force.config == CONFIG
        assert plane.pipeline.in_force.number == 2


async def test_a_bad_file_leaves_the_latest_revision_serving(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with control_plane(tmp_path, config=file):
        pass
    file.write_text(BAD)
    async with control_plane(tmp_path, config=file) as plane:
        assert plane.pipeline.in_force is not None
        assert plane.pipeline.in_force.config == CONFIG
        assert f"{file}:2: listners: unknown key" in caplog.text


async def test_a_missing_file_leaves_the_latest_revision_serving(
    tmp_path: Path, file: Path
) -> None:
    async with control_plane(tmp_path, config=file):
        pass
    file.unlink()
    async with control_plane(tmp_path, config=file) as plane:
        assert plane.pipeline.in_force is not None
        file.write_text(OTHER)
        await until(lambda: plane.pipeline.in_force.config == OTHER)  # type: ignore[union-attr]


async def test_a_bad_file_and_no_revision_is_nothing_to_serve(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "outrider.yaml"
    file.write_text(BAD + "bogus: 1\n")
    with pytest.raises(NothingToServeError):
        async with control_plane(tmp_path, config=file):
            pass
    assert "listners: unknown key" in caplog.text
    assert "bogus: unknown key" in caplog.text


async def test_a_missing_secret_is_told_when_asked_to_check(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NothingToServeError):
        async with control_plane(tmp_path, config=file, check_secrets=True):
            pass
    assert "TEST_OPENAI_KEY" in caplog.text
    async with control_plane(
        tmp_path, config=file, check_secrets=True, environ={"TEST_OPENAI_KEY": "k"}
    ):
        pass


async def test_a_secret_may_be_in_a_file_beside_the_config(tmp_path: Path, file: Path) -> None:
    (tmp_path / ".env").write_text("TEST_OPENAI_KEY=k\n")
    async with control_plane(tmp_path, config=file, check_secrets=True):
        pass


async def test_a_changed_file_is_served(tmp_path: Path, file: Path) -> None:
    async with control_plane(tmp_path, config=file) as plane:
        file.write_text(OTHER)
        await until(lambda: plane.pipeline.in_force.number == 2)  # type: ignore[union-attr]
        assert plane.pipeline.in_force.config == OTHER  # type: ignore[union-attr]


async def test_a_file_that_turns_bad_is_told_and_not_served(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with control_plane(tmp_path, config=file) as plane:
        file.write_text(BAD)
        await until(lambda: "is not served" in caplog.text)
        assert f"{file}:2: listners: unknown key" in caplog.text
        assert plane.pipeline.in_force.config == CONFIG  # type: ignore[union-attr]
        file.write_text(OTHER)
        await until(lambda: plane.pipeline.in_force.config == OTHER)  # type: ignore[union-attr]


async def test_a_comment_makes_no_revision(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with control_plane(tmp_path, config=file) as plane:
        file.write_text(CONFIG + "# a comment\n")
        await until(lambda: "changed in form only" in caplog.text)
        assert plane.pipeline.in_force.number == 1  # type: ignore[union-attr]


async def test_without_file_and_revision_it_waits_for_an_apply(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane, delta_client(plane.xds_address) as client:
        await client.subscribe(*ResourceType)
        await until(lambda: len(plane.fleet.members()) == 1)
        await plane.pipeline.apply(CONFIG, "a.yaml", "me")
        await client.take(len(ResourceType))
        assert client.held[ResourceType.LISTENER].keys() == {"models"}


async def test_after_a_restart_nothing_unchanged_is_sent(tmp_path: Path, file: Path) -> None:
    async with control_plane(tmp_path, config=file) as plane, delta_client(plane.xds_address) as a:
        await a.subscribe(*ResourceType)
        await a.take(len(ResourceType))
    async with control_plane(tmp_path) as plane, delta_client(plane.xds_address) as b:
        await b.subscribe(*ResourceType, reported=a.held)
        seen = await b.take(len(ResourceType))
        assert seen == [kind.name.lower() for kind in ResourceType]


async def test_an_address_that_others_reach_needs_protection(tmp_path: Path) -> None:
    bootstrap = Bootstrap(xds_address="0.0.0.0:0", state_dir=tmp_path / "state")
    with pytest.raises(UnsafeAddressError, match="--token-file"):
        async with running_control_plane(bootstrap, {}):
            pass


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane:
        for taken in (
            Bootstrap(xds_address=plane.xds_address, state_dir=tmp_path / "b"),
            Bootstrap(
                xds_address="127.0.0.1:0",
                admin_address="127.0.0.1:0",
                http_address=plane.http_address,
                state_dir=tmp_path / "b",
            ),
        ):
            with pytest.raises(PortTakenError, match="cannot listen on 127"):
                async with running_control_plane(taken, {}):
                    pass
