import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from outriderpb.xds.v3 import ads_pb2

from dataplane.clock import MonotonicClock
from dataplane.resilience.backoff import Backoff
from dataplane.runtime.config import RuntimeConfig
from dataplane.xds.channel import ControlPlane, Keepalive
from dataplane.xds.client import Companion, ConfigRejectedError, Node, XdsClient
from dataplane.xds.reporting import Metadata
from dataplane.xds.resource import ResourceKind, Resources
from dataplane.xds.secrets import Secrets
from dataplane.xds.state import XdsState
from tests.support import ads
from tests.support.wait import until

CLUSTER, PROVIDER = ResourceKind.CLUSTER, ResourceKind.MODEL_PROVIDER
ROUTE, LISTENER = ResourceKind.ROUTE, ResourceKind.LISTENER


class AtOnce:
    """Tests do not wait between two attempts."""

    def uniform(self, a: float, b: float) -> float:
        return 0.01


class Applied:
    """Where configs take effect in these tests."""

    def __init__(self) -> None:
        self.configs: list[RuntimeConfig] = []
        self.accepted: list[Resources] = []
        self.refuse = ""

    async def apply(self, config: RuntimeConfig) -> None:
        if self.refuse:
            raise ConfigRejectedError(self.refuse)
        self.configs.append(config)


async def deaf_once(channel: grpc.aio.Channel, metadata: Metadata) -> None:
    """A companion that loses its cancellation, as calls may that break at the same time."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    gone = grpc.ChannelConnectivity.SHUTDOWN
    await until(lambda: channel.get_state() is gone, seconds=60)


@asynccontextmanager
async def following(
    control_plane: ControlPlane,
    applied: Applied,
    chance: AtOnce | None = None,
    companions: Sequence[Companion] = (),
) -> AsyncIterator[XdsClient]:
    client = XdsClient(
        control_plane=control_plane,
        node=Node("n/0", "default"),
        secrets=Secrets({"KEY": "k"}),
        state=XdsState(),
        on_config=applied.apply,
        on_accepted=applied.accepted.append,
        clock=MonotonicClock(),
        backoff=Backoff(chance or AtOnce()),
        first_answer_s=0.01,
        companions=companions,
    )
    running = asyncio.get_running_loop().create_task(client.run())
    try:
        yield client
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_client_subscribes_to_every_kind_in_order_and_says_who_it_is() -> None:
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()):
        stream = await server.stream()
    assert list(stream.subscribed) == [kind.url for kind in ResourceKind]
    requests = list(stream.subscribed.values())
    assert (requests[0].node.id, requests[0].node.cluster) == ("n/0", "default")
    assert not any(request.HasField("node") for request in requests[1:])
    assert all(request.resource_names_subscribe == ["*"] for request in requests)


async def test_update_is_in_effect_before_its_ack() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied):
        stream = await server.stream()
        answer = await stream.send(CLUSTER, ads.cluster("c"))
        assert not answer.HasField("error_detail")
        assert list(applied.configs[-1].clusters) == ["c"]
        assert applied.accepted[-1].versions(CLUSTER) == {"c": "1"}


async def test_what_more_follows_takes_effect_with_it() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied) as c:
        stream = await server.stream()
        answer = await stream.send(CLUSTER, ads.cluster("c"), more=True)
        assert not answer.HasField("error_detail")
        assert (applied.configs, applied.accepted) == ([], [])
        assert c.state.config == RuntimeConfig()
        await stream.send(PROVIDER, ads.provider("p", "c", env="KEY"))
        (config,) = applied.configs
        assert (list(config.clusters), list(config.providers)) == (["c"], ["p"])


async def test_what_was_taken_before_a_refusal_takes_effect_with_the_next_update() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied):
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("c"), more=True)
        answer = await stream.send(PROVIDER, ads.provider("bad", "c", env="NONE"))
        assert answer.HasField("error_detail")
        assert applied.configs == []
        await stream.send(PROVIDER)
        assert list(applied.configs[-1].clusters) == ["c"]


async def test_what_has_not_taken_effect_is_asked_for_again_by_the_next_stream() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied):
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("c"), more=True)
        stream.end()
        again = await server.stream()
        assert not again.subscribed[CLUSTER.url].initial_resource_versions
        await again.send(CLUSTER, ads.cluster("d"))
        assert list(applied.configs[-1].clusters) == ["d"]


async def test_missing_secret_is_refused_by_name_and_nothing_changes() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied) as c:
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("c"))
        answer = await stream.send(
            PROVIDER, ads.provider("good", "c", env="KEY"), ads.provider("bad", "c", env="NONE")
        )
        assert answer.error_detail.message == (
            "model provider 'bad': environment variable NONE is not set or empty"
        )
        assert c.state.config is applied.configs[-1]
        assert dict(c.state.config.providers) == {}
        assert c.status.refusals == {PROVIDER.url: answer.error_detail.message}
        await stream.send(PROVIDER, ads.provider("good", "c", env="KEY"))
        assert c.status.refusals == {}


async def test_config_that_cannot_take_effect_is_refused() -> None:
    applied = Applied()
    async with ads.ads_server() as server, following(ControlPlane(server.address), applied) as c:
        stream = await server.stream()
        applied.refuse = "listener 'l': port 80: permission denied"
        answer = await stream.send(LISTENER, ads.listener("l", 80))
        assert answer.error_detail.message == applied.refuse
        assert c.state.config == RuntimeConfig()
        assert applied.accepted == []


async def test_reconnect_tells_what_it_has() -> None:
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()):
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("a", "v1"), ads.cluster("b", "v2"))
        stream.end()
        again = await server.stream()
        assert dict(again.subscribed[CLUSTER.url].initial_resource_versions) == {
            "a": "v1",
            "b": "v2",
        }
        assert dict(again.subscribed[ROUTE.url].initial_resource_versions) == {}


async def test_client_finds_a_control_plane_that_comes_back() -> None:
    applied = Applied()
    async with ads.ads_server() as server:
        address = server.address
        client = following(ControlPlane(address), applied)
        c = await client.__aenter__()
        await (await server.stream()).send(CLUSTER, ads.cluster("a"))
    await until(lambda: not c.status.connected)
    assert list(c.state.config.clusters) == ["a"]
    async with ads.ads_server(address) as server:
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("b"))
        assert sorted(c.state.config.clusters) == ["a", "b"]
        await client.__aexit__(None, None, None)


async def test_companion_that_goes_on_does_not_keep_it_from_reconnecting() -> None:
    applied = Applied()
    async with ads.ads_server() as server:
        address = server.address
        client = following(ControlPlane(address), applied, companions=[deaf_once])
        c = await client.__aenter__()
        await (await server.stream()).send(CLUSTER, ads.cluster("a"))
    await until(lambda: not c.status.connected)
    async with ads.ads_server(address) as server:
        await (await server.stream()).send(CLUSTER, ads.cluster("b"))
        assert sorted(c.state.config.clusters) == ["a", "b"]
        await client.__aexit__(None, None, None)


async def test_trouble_is_logged_once_and_not_at_each_attempt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = tmp_path / "token"
    attempts = 0

    class Counted(AtOnce):
        def uniform(self, a: float, b: float) -> float:
            nonlocal attempts
            attempts += 1
            return 0.0

    plane = ControlPlane("127.0.0.1:1", token_file=missing)
    async with following(plane, Applied(), chance=Counted()):
        await until(lambda: attempts > 3)
    assert caplog.text.count("No such file or directory") == 1


GARBAGE = {
    "unknown type": ("type.googleapis.com/outrider.v1.Nonsense", "does not know the type"),
    "empty type": ("", "does not know the type ''"),
}


@pytest.mark.parametrize(("url", "reason"), GARBAGE.values(), ids=GARBAGE.keys())
async def test_unknown_type_is_refused_and_the_stream_goes_on(url: str, reason: str) -> None:
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()):
        stream = await server.stream()
        answer = await stream.send(url, ads.cluster("a"))
        assert reason in answer.error_detail.message
        assert not (await stream.send(CLUSTER, ads.cluster("a"))).HasField("error_detail")


async def test_undecodable_resource_is_refused_and_the_stream_goes_on() -> None:
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()):
        stream = await server.stream()
        garbage = ads_pb2.Resource(
            name="a", resource={"type_url": CLUSTER.url, "value": b"\xff\xff\xff"}
        )
        answer = await stream.send(CLUSTER, garbage)
        assert answer.error_detail.message == "cluster 'a': not a valid message"
        assert not (await stream.send(CLUSTER, ads.cluster("a"))).HasField("error_detail")


async def test_bytes_that_are_no_message_make_it_reconnect() -> None:
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()) as c:
        stream = await server.stream()
        stream.send_bytes(b"\xff\xff\xff\xff")
        again = await server.stream()
        await again.send(CLUSTER, ads.cluster("a"))
        assert list(c.state.config.clusters) == ["a"]


async def test_token_is_sent_and_read_anew_for_each_connection(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    async with ads.ads_server() as server:
        plane = ControlPlane(server.address, token_file=token)
        async with following(plane, Applied()):
            stream = await server.stream()
            assert stream.metadata["authorization"] == "Bearer first"
            token.write_text("second\n")
            stream.end()
            assert (await server.stream()).metadata["authorization"] == "Bearer second"


async def test_unreadable_token_is_retried(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with ads.ads_server() as server:
        plane = ControlPlane(server.address, token_file=token)
        async with following(plane, Applied()):
            token.write_text("late")
            assert (await server.stream()).metadata["authorization"] == "Bearer late"


FROZEN = """
import asyncio, sys
from tests.support import ads
from tests.support.wait import until
async def main():
    async with ads.ads_server() as server:
        print(server.address, flush=True)
        while True:
            await server.stream()
asyncio.run(main())
"""


async def test_stopped_control_plane_is_noticed_by_keepalive() -> None:
    root = Path(__file__).parents[4]
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FROZEN,
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}:{root}/proto/gen"},
    )
    try:
        assert server.stdout is not None
        address = (await server.stdout.readline()).decode().strip()
        plane = ControlPlane(address, keepalive=Keepalive(time_ms=200, timeout_ms=200))
        async with following(plane, Applied()) as client:
            await until(lambda: client.status.connected)
            server.send_signal(signal.SIGSTOP)
            await until(lambda: not client.status.connected)
    finally:
        server.kill()
        await server.communicate()


async def test_thousand_routes_do_not_hold_up_the_loop() -> None:
    routes = [ads.model_route("l", f"r{i}", f"r{i}", to="p") for i in range(1000)]
    async with ads.ads_server() as server, following(ControlPlane(server.address), Applied()) as c:
        stream = await server.stream()
        await stream.send(CLUSTER, ads.cluster("c"))
        await stream.send(PROVIDER, ads.provider("p", "c"))
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += c.state.config.version != "" and not c.state.resources.of(ROUTE)

        counting = asyncio.get_running_loop().create_task(count())
        await stream.send(ROUTE, *routes)
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        assert len(c.state.resources.of(ROUTE)) == 1000
        assert turns > 3


class Spans(AtOnce):
    """Keeps the longest wait that each attempt might have taken."""

    def __init__(self) -> None:
        self.longest: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.longest.append(b)
        return super().uniform(a, b)


async def test_streams_that_end_soon_after_an_answer_are_tried_ever_more_rarely() -> None:
    spans = Spans()
    async with (
        ads.ads_server() as server,
        following(ControlPlane(server.address), Applied(), chance=spans),
    ):
        for number in range(3):
            stream = await server.stream()
            await stream.send(CLUSTER, ads.cluster(f"c{number}"))
            stream.end()
        await server.stream()
    assert spans.longest[:3] == [0.1, 0.2, 0.4]
