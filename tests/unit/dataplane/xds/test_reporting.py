"""A worker answers what its control plane asks of its clusters."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict
from outriderpb.fleet.v1 import reports_pb2

from dataplane.agents.explained import Explanation
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.decision import AgentScore, Step
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.xds.reporting import METHOD, Reporting

ENDPOINT = EndpointReport(
    "10.0.0.1:80", 3, 1.5, 1, "eu", 2, True, 0.25, False, 7, 1, 0.5, 0.01, "gpu"
)
CLUSTERS = [
    ClusterReport("agent:a", "peak_ewma", True, 4, (ENDPOINT,), {"success_rate": 1}),
    ClusterReport("agent:b", "least_request", False, 0, (), breaker_open=True),
]


def reports(name: str) -> Iterator[ClusterReport]:
    return (one for one in CLUSTERS if name in ("", one.name))


EXPLANATION = Explanation(
    listener="travel",
    agents=("a", "b"),
    by_default=False,
    shape="sequence",
    orchestrator="cascade",
    method="model",
    reason="it fits",
    confidence=0.5,
    min_confidence=0.25,
    ask_below=0.75,
    scores=(AgentScore("a", 0.5),),
    steps=(Step("minilm", ("b",), 0.25, "not sure"),),
    previous="b",
    seconds=0.125,
)


async def explains(listener: str, body: bytes) -> Explanation | LocalReply | None:
    match listener:
        case "travel":
            return EXPLANATION
        case "slow":
            await asyncio.Event().wait()
        case "bad":
            return LocalReply(400, body.decode(), ResponseDetail.INVALID_BODY)
        case "broken":
            raise RuntimeError("a bug")
        case _:
            return None
    raise AssertionError(listener)


def reporting(told: list[ClusterReport]) -> Reporting:
    return Reporting("n/0", "", lambda _: told, explains)


def asking(listener: str, body: bytes = b"{}") -> reports_pb2.ReportRequest:
    question = reports_pb2.ExplainRequest(listener=listener, body=body)
    return reports_pb2.ReportRequest(id=3, explain=question)


async def test_a_decision_is_explained_whole() -> None:
    answer = await Reporting("n/0", "", reports, explains).answer(asking("travel"))
    told = MessageToDict(answer.explanation, preserving_proto_field_name=True)
    assert told == {
        "listener": "travel",
        "agents": ["a", "b"],
        "shape": "sequence",
        "orchestrator": "cascade",
        "method": "model",
        "reason": "it fits",
        "confidence": 0.5,
        "min_confidence": 0.25,
        "ask_below": 0.75,
        "scores": [{"agent": "a", "score": 0.5}],
        "steps": [{"method": "minilm", "agents": ["b"], "confidence": 0.25, "problem": "not sure"}],
        "previous": "b",
        "seconds": 0.125,
    }


async def test_what_cannot_be_explained_says_why() -> None:
    reporting = Reporting("n/0", "", reports, explains)
    assert (await reporting.answer(asking("elsewhere"))).unknown
    assert (await reporting.answer(asking("bad", b"no messages"))).problem == "no messages"
    assert (await reporting.answer(asking("broken"))).problem == "the decision failed"


async def test_a_slow_decision_keeps_no_report_waiting() -> None:
    asker = Asker()
    async with channel_to(asker) as channel, asyncio.timeout(5):
        running = asyncio.ensure_future(Reporting("n/0", "", reports, explains).run(channel, ()))
        await asker.heard.get()
        await asker.questions.put(asking("slow"))
        assert (await asker.ask(id=8)).id == 8
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Asker:
    """A control plane that asks what the test puts in."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[reports_pb2.ReportRequest] = asyncio.Queue()
        self.heard: asyncio.Queue[reports_pb2.Report] = asyncio.Queue()

    async def serve(self, _requests: object, context: Any) -> None:
        await self.heard.put(await context.read())
        while True:
            question = await self.questions.get()
            await context.write(question)
            if question.explain.listener != "slow":
                await self.heard.put(await context.read())

    async def ask(self, **question: object) -> reports_pb2.Report:
        await self.questions.put(reports_pb2.ReportRequest(**question))  # type: ignore[arg-type]
        return await self.heard.get()


@asynccontextmanager
async def channel_to(asker: Asker | None) -> AsyncIterator[grpc.aio.Channel]:
    """None: a control plane that does not know the service."""
    server = grpc.aio.server()
    if asker is not None:
        _, service, method = METHOD.split("/")
        handler = grpc.stream_stream_rpc_method_handler(
            cast(Any, asker.serve),
            reports_pb2.Report.FromString,
            reports_pb2.ReportRequest.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def test_it_says_who_it_is_and_answers_what_it_is_asked() -> None:
    asker = Asker()
    async with channel_to(asker) as channel, asyncio.timeout(5):
        running = asyncio.ensure_future(
            Reporting("n/0", "edge", reports, explains).run(channel, ())
        )
        hello = await asker.heard.get()
        assert (hello.node_id, hello.group) == ("n/0", "edge")
        answer = await asker.ask(id=7)
        assert answer.id == 7
        assert [one.name for one in answer.clusters] == ["agent:a", "agent:b"]
        answer = await asker.ask(id=8, cluster="agent:b")
        assert [(one.name, one.breaker_open) for one in answer.clusters] == [("agent:b", True)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_everything_known_of_an_endpoint_is_told() -> None:
    answer = await Reporting("n/0", "", reports, explains).answer(reports_pb2.ReportRequest(id=1))
    (one,) = answer.clusters[0].endpoints
    assert (answer.clusters[0].panics, answer.clusters[0].connections) == (True, 4)
    assert dict(answer.clusters[0].ejections) == {"success_rate": 1}
    assert one == reports_pb2.EndpointReport(
        address="10.0.0.1:80",
        hostname="gpu",
        weight=3,
        share=1.5,
        priority=1,
        zone="eu",
        active=2,
        healthy=True,
        ejected_for_ms=250,
        picked=False,
        answers=7,
        failures=1,
        first_token_s=0.5,
        token_s=0.01,
    )


async def test_health_that_nobody_has_looked_at_is_absent() -> None:
    unknown = EndpointReport("h:1", 1, 1.0, 0, "", 0, None, 0.0, True, 0, 0, 0.0, 0.0)
    told = [ClusterReport("c", "round_robin", False, 0, (unknown,))]
    answer = await Reporting("n/0", "", lambda _: told, explains).answer(
        reports_pb2.ReportRequest(id=1)
    )
    assert not answer.clusters[0].endpoints[0].HasField("healthy")


async def test_many_clusters_leave_requests_their_turn() -> None:
    told = [ClusterReport(f"c{n}", "round_robin", False, 0, ()) for n in range(100)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.ensure_future(others())
    answer = await Reporting("n/0", "", lambda _: told, explains).answer(
        reports_pb2.ReportRequest(id=1)
    )
    running.cancel()
    assert len(answer.clusters) == 100
    assert turns >= 4


async def test_a_stream_that_breaks_is_opened_again() -> None:
    asker, hellos = Asker(), 0

    class Breaking(Asker):
        async def serve(self, requests: object, context: Any) -> None:
            nonlocal hellos
            hellos += 1
            if hellos == 1:
                await context.abort(grpc.StatusCode.INTERNAL, "a bug")
            await asker.serve(requests, context)

    async with channel_to(Breaking()) as channel, asyncio.timeout(5):
        reporting = Reporting("n/0", "", reports, explains, again_s=0.01)
        running = asyncio.ensure_future(reporting.run(channel, ()))
        assert (await asker.heard.get()).node_id == "n/0"
        assert hellos == 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_control_plane_that_is_too_old_is_left_alone() -> None:
    async with channel_to(None) as channel, asyncio.timeout(5):
        await Reporting("n/0", "", reports, explains).run(channel, ())
