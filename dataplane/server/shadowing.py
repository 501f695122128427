"""Shadow traffic: what a version of an agent would have answered, recorded and told nobody.

Rule: a shadow takes nothing of the request that it follows: no time, no budget, no failure. It
runs beside it, as long as few do, and ends with the worker.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec

from dataplane.agents.spoken import Spoken, spoken
from dataplane.agents.versions import shadow_of
from dataplane.clock import Clock
from dataplane.llm.usage import TAIL_BYTES, usage_in_tail
from dataplane.observe.metrics import Metrics
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.recorder import Recorder
from dataplane.runtime.config import Agent
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.server.asking import Asking
from dataplane.server.downstream import Call
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)


class _Line(msgspec.Struct, omit_defaults=True):
    """One answer, in the operator's file."""

    time: float
    request_id: str
    run_id: str
    agent: str
    version: str
    answered_by: str
    """The version whose answer the client has."""
    status: int = 0
    detail: str = ""
    duration_s: float = 0.0
    text: str = ""


class Shadows:
    """One per worker."""

    def __init__(
        self, asking: Asking, clock: Clock, random: Random, recorder: Recorder, metrics: Metrics
    ) -> None:
        self._asking = asking
        self._clock = clock
        self._random = random
        self._recorder = recorder
        self._metrics = metrics
        self._tasks = Tasks()
        self._running: Counter[str] = Counter()
        self._left_out: Counter[tuple[str, ...]] = Counter()
        metrics.counter(
            "outrider_shadows_left_out_total",
            "Requests that were not sent to a shadow, as too many were under way.",
            ("agent",),
            lambda: {label: float(count) for label, count in self._left_out.items()},
        )

    def follow(self, call: Call, agent: Agent, request: Request) -> None:
        """Send what an agent is asked to its shadow, too, if that is its turn."""
        rules, shadow = agent.shadow, shadow_of(agent)
        if rules is None or shadow is None or self._random.random() * 100 >= rules.percent:
            return
        if self._running[shadow.label] >= rules.max_concurrent:
            self._left_out[shadow.label,] += 1
            return
        self._running[shadow.label] += 1
        task = self._tasks.start(self._ask(call, agent, shadow, request), name="shadow")
        task.add_done_callback(lambda _: self._running.subtract((shadow.label,)))

    async def _ask(self, call: Call, agent: Agent, shadow: Agent, request: Request) -> None:
        rules = agent.shadow
        assert rules is not None
        now = self._clock.now
        record = _record(call, shadow, now())
        caller = ("shadow", shadow.label)
        deadline = record.started + rules.timeout_s
        followed = replace(
            call, record=record, deadline=deadline, caller=caller, limiter=None, budgets=None
        )
        try:
            async with asyncio.timeout(rules.timeout_s):
                reply = await self._asking.whole(followed, shadow, request)
        except TimeoutError:
            reply = CallFailed(ResponseDetail.DEADLINE_EXCEEDED, "it took too long", status=504)
        text = self._read(shadow, reply, record)
        series = self._metrics.series(f"shadow:{record.listener}", shadow.label)
        self._recorder.finish(record, now(), series)
        if rules.answers_file:
            line = _Line(
                self._clock.wall(),
                record.request_id,
                record.run_id,
                agent.id,
                shadow.version,
                agent.version,
                record.status,
                record.detail.value,
                record.duration_s,
                text,
            )
            await asyncio.to_thread(_append, Path(rules.answers_file), line)

    def _read(self, shadow: Agent, reply: HttpReply | CallFailed, record: ExchangeRecord) -> str:
        """What was said; the rest goes into the record."""
        if isinstance(reply, CallFailed):
            record.status = reply.status or (504 if reply.timed_out else 502)
            record.detail = reply.detail
            return ""
        record.status = reply.status
        usage = usage_in_tail(reply.body[-TAIL_BYTES:])
        if usage is not None:
            record.input_tokens, record.output_tokens = usage.input, usage.output
        said = spoken(shadow.id, reply) if 200 <= reply.status < 300 else None
        if isinstance(said, Spoken):
            return said.text
        record.detail = ResponseDetail.AGENT_FAILED
        return ""

    async def close(self) -> None:
        """The worker ends, and nobody waits for a shadow."""
        await self._tasks.close()


def _record(call: Call, shadow: Agent, started: float) -> ExchangeRecord:
    of = call.record
    return ExchangeRecord(
        listener=of.listener,
        method=of.method,
        path=of.path,
        request_id=of.request_id,
        trace_id=of.trace_id,
        span_id=of.span_id,
        started=started,
        agents=(shadow.id,),
        versions=(shadow.label,),
        run_id=of.run_id,
        session=of.session,
        shadow=True,
    )


def _append(file: Path, line: _Line) -> None:
    try:
        with file.open("ab") as out:
            out.write(msgspec.json.encode(line) + b"\n")
    except OSError as problem:
        log.warning("answers of a shadow are not kept: %s", problem)
