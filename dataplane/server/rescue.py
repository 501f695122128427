"""One stream that broke: what its client has, who writes the rest, and what is tried for that.

The rule: the client sees one stream from one writer, whoever gives the words; and it is told.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from dataplane.llm.count_tokens import count_tokens
from dataplane.llm.hub.answer import Failure, Usage
from dataplane.llm.hub.delta import Delta, End, Failed, UsageDelta
from dataplane.llm.hub.request import Request
from dataplane.llm.recovery.continuation import Continuation
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.recovery.prefill import prefill_of
from dataplane.llm.recovery.repetition import Repetition
from dataplane.llm.recovery.told import comment, with_note
from dataplane.llm.translate.codec import Echo, StreamWriter
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.recovery import How, Recoveries, Way
from dataplane.runtime.dialect import Prefill
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol
from dataplane.server.candidates import Candidate
from dataplane.server.passing import NO_END


class Rescue:
    """Made when a stream breaks that somebody else can go on with."""

    __slots__ = (
        "_note",
        "_request",
        "_writer",
        "client",
        "delivered",
        "ended",
        "failure",
        "machine",
        "origin",
        "place",
        "told",
        "way",
    )

    def __init__(
        self,
        client: Protocol,
        request: Request,
        writer: StreamWriter,
        delivered: Delivered,
        machine: Recoveries,
        origin: int,
    ) -> None:
        """:param origin: place of the candidate whose stream it was."""
        self.client = client
        self.delivered = delivered
        self.machine = machine
        self.origin = origin
        self.place = origin
        """Of the candidate that was asked last."""
        self.way = Way(How.TRUTH, origin)
        """What is tried now."""
        self.failure = NO_END
        """What broke the stream, and what its provider `told` of that."""
        self.told: Failure | None = None
        self.ended = False
        """Whether the client's stream has its end, or its error."""
        self._request = request
        self._writer = writer
        self._note: dict[str, object] = {}

    @property
    def words(self) -> str:
        """What a model may be given as the beginning of its answer."""
        return prefill_of(self._request, self.delivered)

    @property
    def prompt_tokens(self) -> int:
        """Of the question, as told or estimated."""
        usage = self.delivered.usage
        return usage.input if usage is not None and usage.input else count_tokens(self._request)

    def seam(self, given: str, form: Prefill) -> Continuation | Repetition:
        """What of the way's stream goes on to the client."""
        tokens = self.delivered.tokens
        self._note = {"recovered_by": self.way.how.value, "after_tokens": tokens}
        if self.way.how is How.CONTINUE:
            return Continuation(self.delivered, given, form is Prefill.REPEATED)
        return Repetition(self.delivered)

    def begins(self, candidate: Candidate) -> bytes:
        """The first words of the way are there: what tells the client so."""
        self._note |= {"provider": candidate.name, "model": candidate.model}
        return comment(self.client, self._note)

    def write(self, deltas: list[Delta], last: bool) -> bytes:
        """The client's bytes for what goes on to it."""
        self.delivered.feed(deltas)
        self.ended = last
        data = self._writer.feed(deltas)
        return with_note(self.client, data, self._note) if last else data

    def last_words(self, failure: Failure) -> bytes:
        """The error that ends the client's stream."""
        if self.ended:
            return b""
        self.ended = True
        data = self._writer.feed([UsageDelta(self.used), Failed(failure)])
        return self._usage_chunk() + data

    def _usage_chunk(self) -> bytes:
        """Chat tells usage in a chunk of its own, to who asked for it; Responses beside the error,
        the others have no place for it there.
        """
        begin = self.delivered.begin
        if self.client is not Protocol.CHAT or not self._request.include_usage or begin is None:
            return b""
        writer = CODECS[Protocol.CHAT].stream_writer(Echo(self._request, begin.created, begin.id))
        told = writer.feed([begin, UsageDelta(self.used), End()])
        return told[: told.find(b"\n\n") + 2]

    @property
    def used(self) -> Usage:
        """An estimate of what was spent on what the client has."""
        return Usage(self.prompt_tokens, self.delivered.tokens)


def resumed(
    client: Protocol, echo: Echo, told: Sequence[Any]
) -> tuple[StreamWriter, Delivered] | None:
    """Who goes on with events that were passed on; None: nobody can."""
    resume = CODECS[client].resume_stream
    reader = CODECS[client].stream_reader()
    deltas = [delta for piece in told for delta in reader.feed(piece)]
    delivered = Delivered()
    delivered.feed(deltas)
    if resume is None or not delivered.is_known:
        return None
    try:
        writer = resume(echo, deltas, b"".join(told))
    except (msgspec.MsgspecError, ValueError):
        return None
    return (writer, delivered) if writer is not None else None


def after(
    writer: StreamWriter | None, told: Sequence[Any]
) -> tuple[StreamWriter, Delivered] | None:
    """The same where the writer is our own, and `told` what it was fed."""
    delivered = Delivered()
    for deltas in told:
        delivered.feed(deltas)
    return (writer, delivered) if writer is not None and delivered.is_known else None


def asked(client: Protocol, body: bytes, model: str) -> Request | None:
    """The client's request, read."""
    request = CODECS[client].read_request(body, model, True)
    return None if isinstance(request, LocalReply) else request
