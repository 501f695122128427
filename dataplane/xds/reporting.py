"""Telling the control plane how clusters are doing and why agents would be chosen, when it asks
(shell).

The rule: it costs nothing until somebody asks, and whatever becomes of it is no matter of the
stream of configuration beside it. A control plane that is too old for it is left alone, and no
question waits for the answer to another.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import grpc
import grpc.aio
from google.protobuf.message import Message
from outriderpb.fleet.v1 import explanation_pb2, reports_pb2

from dataplane.agents.explained import Explanation
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.messages import LocalReply
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

METHOD = "/outrider.fleet.v1.ReportingService/StreamReports"
SLICE = 20
"""Clusters per turn of the loop: requests are running."""
AGAIN_S = 5.0
"""The stream of configuration is there, so something else is wrong: no hurry."""
MOST_MS = (1 << 32) - 1

Metadata = tuple[tuple[str, str], ...]
Explain = Callable[[str, bytes], Awaitable[Explanation | LocalReply | None]]
Stream = grpc.aio.StreamStreamCall[Message, reports_pb2.ReportRequest]


class Reporting:
    """Answers what a control plane asks, over a channel that somebody else opens and closes."""

    def __init__(
        self,
        node_id: str,
        group: str,
        reports: Callable[[str], Iterable[ClusterReport]],
        explain: Explain,
        again_s: float = AGAIN_S,
    ) -> None:
        """:param reports: how a cluster is doing, or (for an empty name) each of them; made while
        it is read. :param explain: see Explaining.explain. :param again_s: how long to wait when
        a stream has broken.
        """
        self._hello = reports_pb2.Report(node_id=node_id, group=group)
        self._reports = reports
        self._explain = explain
        self._again_s = again_s

    async def run(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        """Answer, over as many streams as it takes, until cancelled; comes back when the control
        plane does not know the service.
        """
        task = asyncio.current_task()
        assert task is not None
        while not task.cancelling():  # a call that breaks just then ends with its own status
            if await self._stream(channel, metadata) is grpc.StatusCode.UNIMPLEMENTED:
                log.debug("the control plane is too old to take reports")
                return
            await asyncio.sleep(self._again_s)

    async def _stream(self, channel: grpc.aio.Channel, metadata: Metadata) -> grpc.StatusCode:
        """How a stream ended that was answered on."""
        stream: Stream = channel.stream_stream(
            METHOD,
            request_serializer=reports_pb2.Report.SerializeToString,
            response_deserializer=reports_pb2.ReportRequest.FromString,
        )(metadata=metadata)
        answering, writing = Tasks(), asyncio.Lock()
        try:
            await stream.write(self._hello)
            while isinstance(asked := await stream.read(), reports_pb2.ReportRequest):
                answering.start(self._answer_on(stream, writing, asked), "report")
            return await stream.code()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return await stream.code()
        finally:
            await answering.close()
            stream.cancel()

    async def _answer_on(
        self, stream: Stream, writing: asyncio.Lock, asked: reports_pb2.ReportRequest
    ) -> None:
        answer = await self.answer(asked)
        async with writing:  # grpc.aio takes one write at a time
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await stream.write(answer)

    async def answer(self, asked: reports_pb2.ReportRequest) -> reports_pb2.Report:
        """Made in slices, because requests are running."""
        if asked.HasField("explain"):
            return await self._explained(asked)
        answer = reports_pb2.Report(id=asked.id)
        for made, one in enumerate(self._reports(asked.cluster), 1):
            answer.clusters.append(_cluster(one))
            if made % SLICE == 0:
                await asyncio.sleep(0)
        return answer

    async def _explained(self, asked: reports_pb2.ReportRequest) -> reports_pb2.Report:
        try:
            found = await self._explain(asked.explain.listener, asked.explain.body)
        except Exception:
            log.exception("a decision could not be explained")
            return reports_pb2.Report(id=asked.id, problem="the decision failed")
        match found:
            case None:
                return reports_pb2.Report(id=asked.id, unknown=True)
            case LocalReply():
                return reports_pb2.Report(id=asked.id, problem=found.message)
            case explanation:
                return reports_pb2.Report(id=asked.id, explanation=_explanation(explanation))


def _explanation(one: Explanation) -> explanation_pb2.Explanation:
    made = explanation_pb2.Explanation(
        listener=one.listener,
        agents=one.agents,
        by_default=one.by_default,
        shape=one.shape,
        orchestrator=one.orchestrator,
        method=one.method,
        reason=one.reason,
        confidence=one.confidence,
        min_confidence=one.min_confidence,
        ask_below=one.ask_below,
        previous=one.previous,
        seconds=one.seconds,
    )
    for score in one.scores:
        made.scores.add(agent=score.agent, score=score.score)
    for step in one.steps:
        made.steps.add(
            method=step.method,
            agents=step.agents,
            confidence=step.confidence,
            problem=step.problem,
            failed=step.failed,
        )
    return made


def _cluster(one: ClusterReport) -> reports_pb2.ClusterReport:
    return reports_pb2.ClusterReport(
        name=one.name,
        policy=one.policy,
        panics=one.panics,
        connections=one.connections,
        endpoints=[_endpoint(endpoint) for endpoint in one.endpoints],
        ejections=one.ejections,
        overflows=one.overflows,
        breaker_open=one.breaker_open,
    )


def _endpoint(one: EndpointReport) -> reports_pb2.EndpointReport:
    return reports_pb2.EndpointReport(
        address=one.address,
        hostname=one.hostname,
        weight=one.weight,
        share=one.share,
        priority=one.priority,
        zone=one.zone,
        active=max(one.active, 0),
        healthy=one.healthy,
        ejected_for_ms=min(round(one.ejected_for_s * 1000), MOST_MS),
        picked=one.picked,
        answers=one.answers,
        failures=one.failures,
        first_token_s=one.first_token_s,
        token_s=one.token_s,
    )
