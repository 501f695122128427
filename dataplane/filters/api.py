"""What a filter is: it sees requests on their way in and answers on their way out.

A Filter is made once for each configuration and keeps nothing of a request. What it must remember
from a request to its answer goes into the Context's `notes`; what looks at an answer is an
AnswerFilter, made anew for each. All of it is pure: a method that must ask the world is written as
a generator that yields effects (`Steps`), every other one simply returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, TypeAlias, TypeVar

import msgspec
from typing_extensions import TypeIs

from dataplane.filters.asked import Asked
from dataplane.filters.event import Event
from dataplane.runtime import config
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.runtime.protocols import Operation, Protocol

FAILURES = frozenset((ResponseDetail.FILTER_FAILED, ResponseDetail.FILTER_TIMEOUT))
"""What a filter says that has failed, as opposed to one that refuses."""
T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class UnusableFilterError(Exception):
    """A filter cannot be made of its configuration; the text says why, without its name."""


Maybe: TypeAlias = T | Steps[T]
"""A value, or the steps to it: whichever a filter needs."""


def asks(made: T | Steps[T]) -> TypeIs[Steps[T]]:
    """Whether a filter has returned steps, and no value."""
    return type(made) is GeneratorType


def steps_to(made: Maybe[T]) -> Steps[T]:
    """The same as steps, for who carries out nothing else."""
    return (yield from made) if asks(made) else made


class Continue(msgspec.Struct, frozen=True):  # a dataclass takes three times as long to make
    """Go on with this request, which may be another than the one that came."""

    request: Request


Verdict = Continue | LocalReply


class Context(msgspec.Struct):  # (as of Continue)
    """One exchange, as the filters of its chains see it."""

    operation: Operation = Operation.CHAT
    """What is asked for: `operation.protocol` is the protocol of request and answer, None where
    it is no generation (embeddings, counting of tokens).
    """
    listener: str = ""
    model: str = ""
    """What the request asked for; empty when it names none."""
    stream: bool = False
    """Whether it asked for a stream."""
    request_id: str = ""
    principal: Principal | None = None
    """Who calls, where the listener asks."""
    notes: dict[str, object] = {}
    """What filters keep from a request to its answer, each under its own id."""
    read: Asked | None = None
    """The request as one filter has read it, for the next one."""

    @property
    def protocol(self) -> Protocol | None:
        """Of request and answer."""
        return self.operation.protocol


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer. Those of framing are not among them."""

    status: int
    headers: Headers = ()

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def with_header(self, name: str, value: str) -> "Head":
        """The same with this header instead of those of its name."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return Head(self.status, (*kept, (name, value)))


@dataclass(frozen=True, slots=True)
class Cut:
    """End the answer here, as its protocol ends one that a content filter has stopped: clients take
    it for an answer. Nothing of the provider's is wanted any more.
    """

    reason: str
    """For the log."""
    before: Sequence[Event] = ()
    """What still goes out."""


Passed = Event | Sequence[Event] | Cut | LocalReply
"""What becomes of an event: it goes on, or others do in its place (none: it is dropped or held), or
the answer ends here. A LocalReply is the answer as long as the client has nothing of it; later it
is told in the stream as an error, and the answer is cut off.
"""


@dataclass(frozen=True, slots=True)
class Again:
    """Throw this answer away and ask again, with another request; the new one passes all filters
    from the first. Only while the client has nothing of it.
    """

    request: Request
    """In the client's protocol."""
    otherwise: Steps[Passed]
    """What becomes of this answer when there is no other."""


Rewrites: TypeAlias = Callable[[Head], Head]


class AnswerFilter:
    """Looks at one answer. An answer that is not streamed is one event, whose `is_whole` is set."""

    wants_head = True
    """Whether on_head is called, where there is one."""
    wants_events = True
    """Whether on_event is called."""
    batches = False
    """Whether on_event is called once for all events that have come at the same time: an Event
    whose `raw` has several. Those of one JSON array always come one by one.
    """
    wants_errors = False
    """Whether on_event and on_end are called for answers with a status of 400 and more, too."""
    adds_headers = False
    """Whether `told` may have some."""
    told: Headers = ()
    """Headers that the answer gets, known at the latest when the first of it goes out."""
    rewrites: Rewrites | None = None
    """What becomes of the head, known by then, too."""

    def on_head(self, head: Head) -> Maybe[Head | LocalReply]:
        """Status and headers are there; they go out with the first event."""
        return head

    def on_event(self, event: Event) -> Maybe[Passed]:
        """A whole event."""
        return event

    def on_end(self, complete: bool) -> Maybe[Passed | Again]:
        """There are no more events: what is still to go out.

        :param complete: whether the answer is whole; when it broke off, what is returned is lost
            unless it is events.
        """
        return ()


class Filter:
    """One step of a chain.

    A LocalReply with FILTER_FAILED or FILTER_TIMEOUT says that the filter has failed: with
    `failure_mode: open` the exchange goes on as if the filter were not there.
    """

    wants_answers = False
    """Whether it may have something to do with answers."""
    needs_encoder = False
    """Whether a data plane without the embedded encoder (Embed) cannot run it."""
    in_task = False
    """Whether on_request may only be called within a task: it makes the first steps of a coroutine
    of somebody's, and such a coroutine may ask which task it runs in.
    """

    together: "Callable[[Sequence[Any]], Filter] | None" = None
    """Makes one filter of several of the kind that follow one another in a chain, where it is less
    work to ask them about a request in one go. It says itself in `filter` who has ended it.
    """

    def __init__(self, spec: config.Filter) -> None:
        """Raises UnusableFilterError when its settings are none: the config is refused then."""
        self.id = spec.id
        self.fails_open = spec.fails_open
        self.passed_over = 0
        """How often it has failed and the exchange went on: with `failure_mode: open` nobody else
        sees that."""

    def lets_pass(self, reply: LocalReply) -> bool:
        """Whether the exchange goes on all the same when the filter answers so. Counts it."""
        if not self.fails_open or reply.detail not in FAILURES:
            return False
        self.passed_over += 1
        return True

    def on_request(self, request: Request, context: Context) -> Maybe[Verdict]:
        """Look at a request, as an input filter."""
        return Continue(request)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """Who looks at the answer, as an output filter; None: nobody needs to.

        :param request: as the input filters have left it.
        """
        return None


def settings_of(spec: config.Filter, kind: type[S]) -> S:
    """What a filter can be told, read. Raises UnusableFilterError."""
    try:
        return msgspec.json.decode(spec.settings, type=kind)
    except msgspec.DecodeError as problem:
        raise UnusableFilterError(f"its settings cannot be used: {problem}") from problem
