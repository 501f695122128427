"""All machines of an attempt at work together: many requests over two candidates, in any order.

What the issue asks: no request is tried again after its commit point, none is sent into an open
breaker while another candidate would take it, and no retry stays charged to a budget.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dataplane.resilience.breaker import Breaker, BreakerRules, in_order
from dataplane.resilience.budget import RetryBudget, RetryCount
from dataplane.resilience.commit import Progress, Startup
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, GiveUp, NextCandidate, Retry
from dataplane.runtime.fault import Fault
from dataplane.runtime.protocols import Protocol
from dataplane.runtime.retry import RetryPolicy
from tests.support.examples import share_of

POLICY = RetryPolicy(num_retries=2, min_retry_concurrency=1)
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
TOKEN = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
FAULTS = [fault for fault in Fault if fault not in (Fault.NONE, Fault.CREDENTIAL, Fault.FILTERED)]


class Longest:
    def uniform(self, a: float, b: float) -> float:
        return b


@dataclass(eq=False)
class Request:
    """One request, as whoever wires the machines sees it."""

    deadline: float
    left: list[int]
    candidate: int = 0
    attempts: Attempts | None = None
    startup: Startup = field(default_factory=lambda: Startup(Protocol.CHAT))
    attempt: object | None = None
    """In flight; None while a retry waits."""
    ready_at: float = 0.0
    committed: bool = False
    sent: int = 0


class Worker(RuleBasedStateMachine):
    """What one worker does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        rules = BreakerRules(consecutive_failures=3, open_s=2.0, probe_lost_s=1e6)
        self.breakers = [Breaker(rules, Longest()), Breaker(rules, Longest())]
        self.counts = [RetryCount(lambda: len(self.requests)) for _ in range(2)]
        self.requests: list[Request] = []

    def _budgets(self, candidate: int) -> tuple[RetryBudget, ...]:
        return (RetryBudget(self.counts[candidate], POLICY),)

    def _send(self, request: Request) -> None:
        assert not request.committed
        breaker = self.breakers[request.candidate]
        request.attempt = object()
        request.startup = Startup(Protocol.CHAT)
        request.sent += 1
        if not breaker.calm:
            breaker.sent(request.attempt, self.now)

    def _move(self, request: Request) -> None:
        index = in_order([self.breakers[one] for one in request.left], self.now)[0]
        chosen = self.breakers[request.left[index]].admits(self.now)
        assert chosen or not any(self.breakers[one].admits(self.now) for one in request.left)
        request.candidate = request.left.pop(index)
        if request.attempts is not None:
            request.attempts.moved(POLICY, len(request.left), self._budgets(request.candidate))
        self._send(request)

    def _over(self, request: Request) -> None:
        if request.attempts is not None:
            request.attempts.close()
        self.requests.remove(request)

    @precondition(lambda self: len(self.requests) < 8)
    @rule()
    def arrives(self) -> None:
        request = Request(self.now + 30.0, [0, 1])
        self.requests.append(request)
        self._move(request)

    @rule(seconds=st.floats(0, 5))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: any(one.attempt is None for one in self.requests))
    @rule()
    def waits_are_over(self) -> None:
        for request in self.requests:
            if request.attempt is None and request.ready_at <= self.now:
                self._send(request)

    @precondition(lambda self: any(one.attempt is not None for one in self.requests))
    @rule(data=st.data(), chunk=st.sampled_from([ROLE, TOKEN]))
    def reads(self, data: st.DataObject, chunk: bytes) -> None:
        request = self._flying(data)
        if not request.committed and request.startup.feed(chunk) is Progress.COMMIT:
            request.committed = True
            self.breakers[request.candidate].succeeded(request.attempt, self.now)

    @precondition(lambda self: any(one.attempt is not None for one in self.requests))
    @rule(data=st.data(), fault=st.sampled_from(FAULTS), after=st.none() | st.floats(0, 15))
    def fails(self, data: st.DataObject, fault: Fault, after: float | None) -> None:
        request = self._flying(data)
        breaker = self.breakers[request.candidate]
        if not request.committed:
            breaker.failed(request.attempt, fault, self.now, after)
        request.attempt = None
        if request.attempts is None:
            request.attempts = Attempts(
                POLICY,
                len(request.left),
                request.deadline,
                Longest(),
                self._budgets(request.candidate),
            )
        stage = Stage.CONTENT if request.committed else Stage.BEFORE_CONTENT
        is_open = not breaker.admits(self.now)
        outcome = Outcome(stage, fault, retry_after_s=after, is_open=is_open)
        match request.attempts.next(outcome, self.now):
            case Retry() as retry:
                assert not request.committed
                assert not (is_open and request.left)
                request.ready_at = self.now + retry.after_s
            case NextCandidate():
                assert not request.committed
                self._move(request)
            case GiveUp():
                self._over(request)

    @precondition(lambda self: any(one.attempt is not None for one in self.requests))
    @rule(data=st.data())
    def ends_or_is_left(self, data: st.DataObject) -> None:
        request = self._flying(data)
        if not request.committed:
            self.breakers[request.candidate].abandoned(request.attempt)
        self._over(request)

    def _flying(self, data: st.DataObject) -> Request:
        return data.draw(st.sampled_from([one for one in self.requests if one.attempt is not None]))

    @invariant()
    def attempts_are_bounded(self) -> None:
        assert all(one.sent <= 2 * (1 + POLICY.num_retries) for one in self.requests)

    @invariant()
    def no_retry_stays_charged(self) -> None:
        running = sum(count.running for count in self.counts)
        assert 0 <= running <= len([one for one in self.requests if one.attempts is not None])


Worker.TestCase.settings = settings(max_examples=share_of(60), stateful_step_count=40)
TestWorker = Worker.TestCase
