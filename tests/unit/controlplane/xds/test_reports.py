"""Asking workers how they are doing, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from outriderpb.fleet.v1 import explanation_pb2, reports_pb2

from controlplane.ports import GrpcPort
from controlplane.security import Security
from controlplane.xds.reports import METHOD, SERVICE, ReportingService
from tests.support.wait import until

Stream = grpc.aio.StreamStreamCall[Any, reports_pb2.ReportRequest]
PATIENCE_S = 5.0


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[ReportingService, grpc.aio.Channel]]:
    service, port = ReportingService(), GrpcPort("127.0.0.1:0", Security())
    port.server.add_generic_rpc_handlers((service.handler(),))
    await port.start()
    try:
        async with grpc.aio.insecure_channel(port.address) as channel:
            yield service, channel
    finally:
        await port.stop(0)


async def worker(channel: grpc.aio.Channel, name: str) -> Stream:
    """A stream that has said hello; the test answers, or not."""
    stream: Stream = channel.stream_stream(
        f"/{SERVICE}/{METHOD}",
        request_serializer=reports_pb2.Report.SerializeToString,
        response_deserializer=reports_pb2.ReportRequest.FromString,
    )()
    await stream.write(reports_pb2.Report(node_id=name))
    return stream


async def asked(stream: Stream) -> reports_pb2.ReportRequest:
    async with asyncio.timeout(PATIENCE_S):
        request = await stream.read()
    assert isinstance(request, reports_pb2.ReportRequest)
    return request


def answer(request: reports_pb2.ReportRequest, cluster: str) -> reports_pb2.Report:
    return reports_pb2.Report(id=request.id, clusters=[reports_pb2.ClusterReport(name=cluster)])


async def test_every_worker_is_asked_and_answers() -> None:
    async with serving() as (service, channel):
        one, other = await worker(channel, "n/0"), await worker(channel, "n/1")
        await until(lambda: service.workers == ["n/0", "n/1"])
        asking = asyncio.ensure_future(service.ask(PATIENCE_S, "agent:a"))
        for stream in (one, other):
            request = await asked(stream)
            assert request.cluster == "agent:a"
            await stream.write(answer(request, "agent:a"))
        answers = await asking
        assert sorted(answers) == ["n/0", "n/1"]
        assert answers["n/0"].clusters[0].name == "agent:a"


async def test_a_worker_that_does_not_answer_is_not_waited_for() -> None:
    async with serving() as (service, channel):
        await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        assert await service.ask(0.05) == {}


async def test_an_answer_that_comes_too_late_is_not_taken_for_another() -> None:
    async with serving() as (service, channel):
        stream = await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        assert await service.ask(0.05) == {}
        late = await asked(stream)
        asking = asyncio.ensure_future(service.ask(PATIENCE_S))
        request = await asked(stream)
        await stream.write(answer(late, "old"))
        await stream.write(answer(request, "new"))
        assert (await asking)["n/0"].clusters[0].name == "new"


async def test_a_worker_that_goes_while_it_is_asked_ends_the_wait() -> None:
    async with serving() as (service, channel):
        stream = await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        asking = asyncio.ensure_future(service.ask(60.0))
        await asked(stream)
        stream.cancel()
        async with asyncio.timeout(PATIENCE_S):
            assert await asking == {}
        assert service.workers == []


async def test_two_may_ask_at_the_same_time() -> None:
    async with serving() as (service, channel):
        stream = await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        asking = [asyncio.ensure_future(service.ask(PATIENCE_S, name)) for name in ("a", "b")]
        requests = [await asked(stream), await asked(stream)]
        for request in reversed(requests):
            await stream.write(answer(request, request.cluster))
        answers = [(await one)["n/0"].clusters[0].name for one in asking]
        assert answers == ["a", "b"]


async def test_a_worker_that_comes_again_is_asked_where_it_is_now() -> None:
    async with serving() as (service, channel):
        silent = await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        talks = await worker(channel, "n/0")

        async def talk() -> None:
            while isinstance(request := await talks.read(), reports_pb2.ReportRequest):
                await talks.write(answer(request, "here"))

        talking = asyncio.ensure_future(talk())
        async with asyncio.timeout(PATIENCE_S):
            while not await service.ask(0.05):
                pass
        silent.cancel()
        for _ in range(2):
            assert (await service.ask(PATIENCE_S))["n/0"].clusters[0].name == "here"
        talking.cancel()


async def test_who_says_no_name_is_refused() -> None:
    async with serving() as (_, channel):
        stream = await worker(channel, "")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def explaining(stream: Stream, **answer: Any) -> reports_pb2.ExplainRequest:
    """Answer a question of why; what was asked."""
    request = await asked(stream)
    await stream.write(reports_pb2.Report(id=request.id, **answer))
    return request.explain


async def test_a_worker_that_knows_the_listener_explains() -> None:
    async with serving() as (service, channel):
        other, knows = await worker(channel, "n/0"), await worker(channel, "n/1")
        await until(lambda: service.workers == ["n/0", "n/1"])
        asking = asyncio.ensure_future(service.explain("travel", b"{}", PATIENCE_S))
        await explaining(other, unknown=True)
        told = explanation_pb2.Explanation(agents=["a"])
        question = await explaining(knows, explanation=told)
        assert (question.listener, question.body) == ("travel", b"{}")
        found = await asking
        assert found is not None
        assert (found[0], list(found[1].explanation.agents)) == ("n/1", ["a"])


async def test_a_worker_that_is_too_old_to_explain_is_passed_over() -> None:
    async with serving() as (service, channel):
        old = await worker(channel, "n/0")
        await until(lambda: service.workers == ["n/0"])
        asking = asyncio.ensure_future(service.explain("travel", b"{}", PATIENCE_S))
        await explaining(old, clusters=[reports_pb2.ClusterReport(name="agent:a")])
        assert await asking is None


async def test_only_the_worker_that_is_named_is_asked() -> None:
    async with serving() as (service, channel):
        await worker(channel, "n/0")
        named = await worker(channel, "n/1")
        await until(lambda: service.workers == ["n/0", "n/1"])
        asking = asyncio.ensure_future(service.explain("travel", b"{", PATIENCE_S, "n/1"))
        await explaining(named, problem="no JSON")
        found = await asking
        assert found is not None
        assert (found[0], found[1].problem) == ("n/1", "no JSON")
        assert await service.explain("travel", b"{", PATIENCE_S, "n/9") is None
