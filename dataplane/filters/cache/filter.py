"""A filter that answers what was answered before.

Rule: only whole answers are kept: told to their end, by their protocol, and ended by the model
itself. What is given again is byte for byte what the first client got; in semantic mode also to
who asks the same in nearly the same words (near.py, alike.py).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Filter,
    Head,
    Verdict,
    settings_of,
)
from dataplane.filters.cache.alike import may_share
from dataplane.filters.cache.key import request_key
from dataplane.filters.cache.near import Question, question_of
from dataplane.filters.cache.whole import Worth, worth_of
from dataplane.filters.event import Event
from dataplane.filters.owner import owner_of
from dataplane.runtime import config
from dataplane.runtime.effects import (
    Embed,
    Embedded,
    FindAlike,
    FoundAlike,
    Keep,
    LookUp,
    Meaning,
    Recalled,
    Steps,
)
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation

TOLD = "x-outrider-cache"
_OK = 200
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(tuple[str, bytes])


class Settings(msgspec.Struct, frozen=True):
    """See CacheConfig of the control plane."""

    mode: str = "exact"
    threshold: float = 0.9
    ttl_seconds: float = 3600.0
    scope: str = "tenant"
    max_entry_bytes: int = 1 << 20


class _Missed(msgspec.Struct, frozen=True):
    """What the answer to a request will be kept under."""

    key: str
    meaning: Meaning | None = None


class CacheFilter(Filter):
    """Looks requests up, and keeps what they were answered."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self._settings = settings_of(spec, Settings)
        self.needs_encoder = self._settings.mode == "semantic"

    def on_request(self, request: Request, context: Context) -> Steps[Verdict]:
        """See Filter."""
        wishes = _wishes(request)
        body = _body(request, context.operation)
        if body is None or "no-store" in wishes:
            return Continue(request)
        owner = owner_of(request, context.principal) if self._settings.scope == "tenant" else ""

        def key_of(body: dict[str, Any]) -> str:
            return request_key(request, context.operation.value, body, owner, self.id)

        key = key_of(body)
        if "no-cache" not in wishes:
            found = yield from self._kept(key)
            if found is not None:
                return found
        meaning = None
        if self.needs_encoder:
            meaning = yield from _meaning(question_of(context.operation, body, key_of))
        if meaning is not None and "no-cache" not in wishes:
            found = yield from self._kept_alike(meaning)
            if found is not None:
                return found
        context.notes[self.id] = _Missed(key, meaning)
        return Continue(request)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        missed = context.notes.get(self.id)
        if not isinstance(missed, _Missed):
            return None
        return _OfAnswer(self.id, missed, context.operation, self._settings)

    def _kept(self, key: str, similarity: float = 0.0) -> Steps[LocalReply | None]:
        reply = yield LookUp(self.id, key, similarity)
        assert isinstance(reply, Recalled)
        if reply.value is None:
            return None
        try:
            kind, body = _DECODER.decode(reply.value)
        except msgspec.DecodeError:
            return None  # somebody else's, in a Redis that others use
        told = f"hit;similarity={similarity:.3f}" if similarity else "hit"
        headers = (("content-type", kind), (TOLD, told))
        return LocalReply(_OK, "", ResponseDetail.CACHE_HIT, headers, body)

    def _kept_alike(self, asked: Meaning) -> Steps[LocalReply | None]:
        """The answer to a question that is near enough to ask the same."""
        near = yield FindAlike(self.id, asked.group, asked.vector, self._settings.threshold)
        assert isinstance(near, FoundAlike)
        for one in near.found:
            if may_share(one.text, asked.text):
                found = yield from self._kept(one.key, one.similarity)
                if found is not None:
                    return found
        return None


def _meaning(question: Question | None) -> Steps[Meaning | None]:
    if question is None:
        return None
    reply = yield Embed(question.text)
    assert isinstance(reply, Embedded)
    if reply.vector is None:
        return None  # its weights are not the ones we know (the log says so)
    return Meaning(question.group, reply.vector, question.text)


def _body(request: Request, operation: Operation) -> dict[str, Any] | None:
    """None: such a request is not looked up."""
    if operation.protocol is None and operation is not Operation.EMBEDDINGS:
        return None
    try:
        body: Any = msgspec.json.decode(request.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("background") is True:
        return None
    return body


class _OfAnswer(AnswerFilter):
    def __init__(
        self, name: str, missed: _Missed, operation: Operation, settings: Settings
    ) -> None:
        self._name = name
        self._missed = missed
        self._operation = operation
        self._settings = settings
        self._kind: str | None = None
        self._events: list[Event] = []
        self._bytes = 0

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        if head.status == _OK:
            self._kind = head.header("content-type") or "application/json"
        return head.with_header(TOLD, "miss")

    def on_event(self, event: Event) -> Event:
        """See AnswerFilter."""
        self._bytes += len(event.raw)
        if self._bytes <= self._settings.max_entry_bytes:
            self._events.append(event)
        return event

    def on_end(self, complete: bool) -> Steps[Sequence[Event]]:
        """See AnswerFilter."""
        fits = self._kind is not None and self._bytes <= self._settings.max_entry_bytes
        if not complete or not fits:
            return ()
        worth = worth_of(self._operation, self._events)
        if worth is not Worth.NOBODY:
            body = b"".join(event.raw for event in self._events)
            value = _ENCODER.encode((self._kind, body))
            meaning = self._missed.meaning if worth is Worth.ALIKE else None
            yield Keep(self._name, self._missed.key, value, self._settings.ttl_seconds, meaning)
        return ()


def _wishes(request: Request) -> frozenset[str]:
    """What the client says about caches."""
    said = (request.header("cache-control") or "").lower()
    return frozenset(word.strip() for word in said.split(","))
