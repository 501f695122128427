"""Workers that tell how they are doing, or how they would decide, when somebody asks (shell).

The rule: nobody is asked unless somebody wants to know, and nobody is waited for longer than that
person would: a worker that is slow, or too old for this, is named instead.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import grpc
import grpc.aio
from outriderpb.fleet.v1 import reports_pb2

from controlplane.xds.stream import legible

log = logging.getLogger(__name__)

SERVICE = "outrider.fleet.v1.ReportingService"
METHOD = "StreamReports"
MAX_ID = 256

Context = grpc.aio.ServicerContext[reports_pb2.Report, reports_pb2.ReportRequest]


@dataclass(slots=True, eq=False)
class _Worker:
    """One stream, and the questions that it has not answered."""

    name: str
    context: Context
    waiting: dict[int, "asyncio.Future[reports_pb2.Report | None]"] = field(default_factory=dict)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """grpc.aio takes one write at a time."""


class ReportingService:
    """All workers that can be asked."""

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}
        self._ids = count(1)

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a grpc.aio server."""
        method = grpc.stream_stream_rpc_method_handler(
            # The stubs know synchronous handlers only.
            cast(Any, self._serve),
            reports_pb2.Report.FromString,
            reports_pb2.ReportRequest.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})

    @property
    def workers(self) -> list[str]:
        """Ids of those that can be asked."""
        return sorted(self._workers)

    async def ask(self, within_s: float, cluster: str = "") -> dict[str, reports_pb2.Report]:
        """What each worker says, by its id; those that say nothing in time are left out."""
        asked = list(self._workers.values())
        questions = (reports_pb2.ReportRequest(id=next(self._ids), cluster=cluster) for _ in asked)
        answers = await asyncio.gather(
            *(_ask(worker, one, within_s) for worker, one in zip(asked, questions, strict=True))
        )
        named = zip((worker.name for worker in asked), answers, strict=True)
        return {name: answer for name, answer in named if answer is not None}

    async def explain(
        self, listener: str, body: bytes, within_s: float, worker: str = ""
    ) -> tuple[str, reports_pb2.Report] | None:
        """What the first worker says that knows the listener, and which one; None: none does.

        :param worker: ask this one only.
        """
        for name in [worker] if worker else self.workers:
            one = self._workers.get(name)
            if one is None:
                continue
            question = reports_pb2.ExplainRequest(listener=listener, body=body)
            request = reports_pb2.ReportRequest(id=next(self._ids), explain=question)
            answer = await _ask(one, request, within_s)
            if answer is not None and (answer.problem or answer.HasField("explanation")):
                return name, answer
        return None

    async def _serve(self, _requests: object, context: Context) -> None:
        hello = await context.read()
        if not isinstance(hello, reports_pb2.Report):
            return
        if not hello.node_id or len(hello.node_id) > MAX_ID:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"the first message must carry a node_id of at most {MAX_ID} characters",
            )
        worker = _Worker(legible(hello.node_id), context)
        with self._present(worker):
            try:
                while isinstance(answer := await context.read(), reports_pb2.Report):
                    waits = worker.waiting.get(answer.id)
                    if waits is not None and not waits.done():
                        waits.set_result(answer)
                    del answer
            except (grpc.aio.BaseError, asyncio.InvalidStateError) as e:
                log.debug("worker %s: %s", worker.name, e)

    @contextmanager
    def _present(self, worker: _Worker) -> Iterator[None]:
        """The newest stream of an id is the one that is asked, as with discovery."""
        self._workers[worker.name] = worker
        try:
            yield
        finally:
            if self._workers.get(worker.name) is worker:
                del self._workers[worker.name]
            for waits in worker.waiting.values():
                if not waits.done():
                    waits.set_result(None)


async def _ask(
    worker: _Worker, request: reports_pb2.ReportRequest, within_s: float
) -> reports_pb2.Report | None:
    """None: it has not answered in time, or its stream has ended."""
    number = request.id
    waits: asyncio.Future[reports_pb2.Report | None]
    waits = worker.waiting[number] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(within_s):
            async with worker.writing:
                await worker.context.write(request)
            return await waits
    except (TimeoutError, grpc.aio.BaseError, asyncio.InvalidStateError):
        return None
    finally:
        del worker.waiting[number]
