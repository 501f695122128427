"""Agents asked by the policy that models are asked by: tried again before anybody has a byte.

The rule is that of trying.py and judging.py, and so are the machines; only the shape differs, as
this is a coroutine: to leave it, or to be cancelled, cuts what runs. An agent has no other one to
go to, so what it has said in the end is passed on.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

from dataplane.clock import Clock
from dataplane.llm.error_faults import failure_in_band, fault_of
from dataplane.llm.hub.answer import Failure
from dataplane.llm.stakes import prompt_tokens
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.advice import advice
from dataplane.resilience.budget import RetryBudget
from dataplane.resilience.commit import InBandError, Progress, Startup
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, Retry
from dataplane.resilience.throughput import Throughput
from dataplane.resilience.timeouts import Limit, before_content, before_head, in_content
from dataplane.runtime.config import Agent
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.fault import Fault, fault_of_status
from dataplane.runtime.messages import Headers, HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.agent_terms import EMPTY, load_of, policy_of, silent, slow
from dataplane.server.budgeting import used_up
from dataplane.server.downstream import Call
from dataplane.server.heard import Answered, Heard, OnProgress
from dataplane.server.judging import MAX_ERROR_BYTES, MAX_WHOLE_BYTES
from dataplane.server.trials import MAX_TOLD
from dataplane.server.trying import COSTLY
from dataplane.upstream.asked import Asked
from dataplane.upstream.attempt import MAX_ANSWER_BYTES
from dataplane.upstream.client import Answer, UpstreamClient
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from dataplane.resilience.standing import Standings
    from dataplane.server.callers import Callers
    from dataplane.server.heard import Reading
    from dataplane.server.readings import Readings

T = TypeVar("T")

FAILED_DEPENDENCY = 424
_JSON: Headers = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that is none to be passed on yet."""

    stage: Stage
    fault: Fault
    problem: UpstreamError | None = None
    heard: Heard | None = None
    """What to pass on when nothing else follows."""
    retry_after_s: float | None = None
    may_retry: bool = True


class Asking:
    """How agents are asked. One per worker."""

    def __init__(
        self,
        client: UpstreamClient,
        clock: Clock,
        random: Random,
        standings: "Standings",
        callers: "Callers",
        readings: "Readings",
    ) -> None:
        self._readings = readings
        self._client = client
        self._now: Callable[[], float] = clock.now
        self._clock = clock
        self._random = random
        self.standings = standings
        """Which clusters are well."""
        self._callers = callers

    @asynccontextmanager
    async def open(
        self,
        call: Call,
        agent: Agent,
        request: Request,
        *,
        stream: bool,
        progress: OnProgress | None = None,
    ) -> AsyncGenerator[Heard, None]:
        """Ask an agent in chat, whatever it speaks; its answer, chat too, may be read inside.
        Leaving early cuts the connection.

        Raises UpstreamError when there is none in the end.

        :param progress: told of what the agent says about its work meanwhile.
        """
        call.record.attempts = 0  # told is who was asked last
        reading = await self._readings.of(call, agent, request, stream=stream, progress=progress)
        if isinstance(reading, LocalReply):
            raise UpstreamError(_unasked(reading))
        if reading is not None:
            request = reading.request
        asked = _Asked(self, call, agent, request, stream, reading)
        async with AsyncExitStack() as stack:
            if reading is not None:
                stack.callback(reading.close)
            stack.callback(asked.close)
            yield await asked.answer(stack)

    async def whole(
        self, call: Call, agent: Agent, request: Request, progress: OnProgress | None = None
    ) -> HttpReply | CallFailed:
        """Ask an agent and read all that it says."""
        try:
            async with self.open(call, agent, request, stream=False, progress=progress) as heard:
                body = bytearray()
                async for piece in heard.pieces():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        message = f"the answer is larger than {MAX_ANSWER_BYTES} bytes"
                        return CallFailed(ResponseDetail.UPSTREAM_PROTOCOL_ERROR, message)
                return HttpReply(heard.status, heard.headers, bytes(body))
        except UpstreamError as problem:
            failure = problem.failure
            return CallFailed(failure.detail, failure.reason, status=failure.status)


def _unasked(why: LocalReply) -> UpstreamFailure:
    """It was not asked: an error of ours, which must not be taken for the agent's answer."""
    begun = why.message[:1] if why.message[1:2].isupper() else why.message[:1].lower()  # "MCP ..."
    message = begun + why.message[1:].rstrip(".")
    return UpstreamFailure(Phase.CONNECT, why.detail, message, why.status)


class _Asked:
    """The attempts of one question."""

    def __init__(
        self,
        asking: Asking,
        call: Call,
        agent: Agent,
        request: Request,
        stream: bool,
        reading: "Reading | None",
    ) -> None:
        self._reading = reading
        """None: it speaks chat."""
        self._client = asking._client
        self._now = asking._now
        self._wall = asking._clock.wall
        self._call = call
        self._cluster = call.config.clusters[agent.cluster]
        self._request = request
        self._stream = stream
        self._name = agent.id
        self._policy = policy_of(call.listener, agent)
        self._standing = standing = asking.standings.of(agent.cluster)
        self._load = load_of(standing)
        self._random = asking._random
        self._callers = asking._callers
        self._attempts: Attempts | None = None
        self._asked = Asked()
        self._sent_at = 0.0
        self._load.active += 1

    def close(self) -> None:
        """Nothing more is wanted."""
        self._load.active -= 1
        if not self._standing.breaker.calm:
            self._standing.breaker.abandoned(self)
        if self._attempts is not None:
            self._attempts.close()

    async def answer(self, stack: AsyncExitStack) -> Heard:
        """What is passed on in the end."""
        while True:
            attempt = await stack.enter_async_context(AsyncExitStack())
            self._sent_at = now = self._now()
            breaker = self._standing.breaker
            if not breaker.calm:
                breaker.sent(self, now)
            outcome = await self._attempt(attempt)
            if isinstance(outcome, Heard):
                if not breaker.calm and outcome.status < 400:
                    breaker.succeeded(self, self._now())
                return outcome
            wait_s = self._next(outcome)
            if wait_s is None or await used_up(self._call):
                if outcome.heard is not None:
                    return outcome.heard
                assert outcome.problem is not None
                raise outcome.problem
            await attempt.aclose()
            await asyncio.sleep(wait_s)  # (`active` counts it meanwhile)

    def _next(self, failed: _Failed) -> float | None:
        """How long to wait for the next attempt; None: there is none."""
        now = self._now()
        status = failed.heard.status if failed.heard is not None else 0
        self._tell(failed, status)
        self._standing.breaker.failed(self, failed.fault, now, failed.retry_after_s)
        if self._attempts is None:
            policy = self._policy
            cluster = self._standing.retries
            caller = self._callers.count(self._call.caller, now)
            budgets = (RetryBudget(cluster, policy), RetryBudget(caller, policy, told=cluster))
            deadline = self._call.deadline
            self._attempts = Attempts(policy, 0, deadline, self._random, budgets)
        decision = self._attempts.next(
            Outcome(
                failed.stage,
                failed.fault,
                status,
                failed.retry_after_s,
                failed.may_retry,
                own_key=False,  # what it thinks of its caller is passed on
                is_open=self._standing.breaker.is_open,
            ),
            now,
        )
        if isinstance(decision, Retry):
            self._standing.retried[failed.fault] += 1
            return decision.after_s
        return None

    def _tell(self, failed: _Failed, status: int) -> None:
        record = self._call.record
        if len(record.failures) < MAX_TOLD:
            told = f"{self._name}: {status or failed.fault.value}"
            record.failures = (*record.failures, told)
        if failed.fault in COSTLY and failed.stage is not Stage.CONNECT:
            tokens = prompt_tokens(self._request.body)
            record.wasted_tokens += tokens
            self._standing.wasted_tokens += tokens

    # -- one attempt

    async def _attempt(self, stack: AsyncExitStack) -> Heard | _Failed:
        record = self._call.record
        limit = before_head(self._policy, self._sent_at, self._call.deadline, stream=self._stream)
        self._asked = asked = Asked()
        answer: Answered | None = None
        try:
            opening = self._opening(asked)
            heard = await self._within(limit, stack.enter_async_context(opening))
            answer = heard if self._reading is None else self._reading.read(heard)
            record.attempts += answer.attempts
            record.endpoint = answer.endpoint
            if answer.status >= 400:
                return await self._error(answer)
            if self._reading is not None and self._reading.is_live:
                pieces = self._rest(answer.pieces())
                return Heard(answer.status, answer.headers, answer.endpoint, b"", pieces)
            if answer.status == 200 and self._stream and _is_event_stream(answer):
                return await self._beginning(answer)
            return await self._whole(answer)
        except UpstreamError as problem:
            failure = problem.failure
            if failure.detail is ResponseDetail.UPSTREAM_SILENT:
                asked.failed()  # (the client has only seen that it was cut)
            if answer is None:
                record.attempts += 1
            if failure.phase is Phase.CONNECT:
                return _Failed(Stage.CONNECT, failure.fault, problem)
            return _Failed(Stage.BEFORE_CONTENT, failure.fault, problem)

    def _opening(self, asked: Asked) -> AbstractAsyncContextManager[Answer]:
        if self._reading is None:
            return self._client.open(self._cluster, self._request, asked)
        return self._reading.opened(self._client, self._cluster, asked)

    async def _error(self, answer: Answered) -> Heard | _Failed:
        pieces = answer.pieces()
        held, is_whole = await self._gathered(pieces, MAX_ERROR_BYTES)
        if not is_whole:
            fault = fault_of_status(answer.status)
            self._standing.breaker.failed(self, fault, self._now())
            rest = self._rest(pieces)
            return Heard(answer.status, answer.headers, answer.endpoint, held, rest)
        return self._refused(answer, held)

    def _refused(self, answer: Answered, held: bytes) -> _Failed:
        """An error that is whole."""
        headers = answer.headers
        told = advice(((n.encode(), v.encode()) for n, v in headers), self._wall())
        fault = self._fault(CODECS[Protocol.CHAT].read_error(answer.status, held))
        heard = Heard(answer.status, headers, answer.endpoint, held)
        return _Failed(Stage.HEAD, fault, None, heard, *told)

    def _fault(self, failure: Failure) -> Fault:
        """Tasks and tools that have failed were done, and are not to be done again."""
        if self._reading is not None and failure.status == FAILED_DEPENDENCY:
            return Fault.INVALID
        return fault_of(failure)

    async def _whole(self, answer: Answered) -> Heard | _Failed:
        """Not streamed: all of it, or as much as is held."""
        pieces = answer.pieces()
        held, is_whole = await self._gathered(pieces, MAX_WHOLE_BYTES)
        if is_whole and answer.status >= 400:  # its head did not say so
            return self._refused(answer, held)
        rest = None if is_whole else self._rest(pieces)
        return Heard(answer.status, answer.headers, answer.endpoint, held, rest)

    async def _gathered(self, pieces: AsyncIterator[bytes], most: int) -> tuple[bytes, bool]:
        held = bytearray()
        while len(held) <= most:
            limit = self._until_whole()
            piece = await self._within(limit, anext(pieces, b""))
            if not piece:
                return bytes(held), True
            held += piece
        return bytes(held), False

    def _until_whole(self) -> Limit:
        """How long for the next piece of what is read whole. What is made of an answer that comes
        in pieces may be there only at its end, as that of one without a head yet.
        """
        if self._reading is not None and not self._stream:
            deadline = self._call.deadline
            return before_head(self._policy, self._sent_at, deadline, stream=False)
        return in_content(self._policy, self._now(), self._call.deadline)

    async def _beginning(self, answer: Answered) -> Heard | _Failed:
        """A stream: nothing of it before it says something."""
        startup = Startup(Protocol.CHAT)
        pieces = answer.pieces()
        head_at = read_at = self._now()
        found: Progress | InBandError = Progress.HOLD
        while found is Progress.HOLD:
            limit = before_content(
                self._policy, self._sent_at, head_at, read_at, self._call.deadline
            )
            piece = await self._within(limit, anext(pieces, b""))
            read_at = self._now()
            found = startup.feed(piece) if piece else startup.end()
            if not piece and found is Progress.HOLD:
                raise UpstreamError(EMPTY)
        if not isinstance(found, InBandError):
            rest = self._rest(pieces)
            return Heard(answer.status, answer.headers, answer.endpoint, startup.held, rest)
        failure = failure_in_band(Protocol.CHAT, found.event)
        body = CODECS[Protocol.CHAT].write_error(failure)
        heard = Heard(failure.status, _JSON, answer.endpoint, body)
        return _Failed(Stage.BEFORE_CONTENT, self._fault(failure), None, heard)

    async def _rest(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What comes after the beginning was passed on."""
        pace = None
        if self._stream and Throughput.wanted(self._policy):
            pace = Throughput(self._policy, self._now())
        try:
            while True:
                limit = in_content(self._policy, self._now(), self._call.deadline)
                piece = await self._within(limit, anext(pieces, b""))
                if not piece:
                    return
                if pace is not None:
                    pace.feed(piece)
                    now = self._now()
                    if pace.is_slow(now):
                        raise UpstreamError(slow(pace.window_s))
                    pace.paused(now)
                yield piece
                if pace is not None:
                    pace.resumed(self._now())
        except UpstreamError as problem:
            self._standing.breaker.failed(self, problem.failure.fault, self._now())
            if problem.failure.detail is not ResponseDetail.UPSTREAM_TRUNCATED:
                self._asked.failed()
            raise

    async def _within(self, limit: Limit, waiting: Awaitable[T]) -> T:
        """Wait for something. (Who watches the deadline ends all of this by itself.)"""
        seconds = None if limit.is_deadline else max(limit.at - self._now(), 0.0)
        began = self._now()
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            raise UpstreamError(silent(self._now() - began)) from None


def _is_event_stream(answer: Answered) -> bool:
    named = {name.lower(): value.strip().lower() for name, value in answer.headers}
    is_plain = named.get("content-encoding", "identity") == "identity"
    return is_plain and named.get("content-type", "").startswith("text/event-stream")
