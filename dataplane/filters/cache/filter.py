"""A filter that answers what was answered before.

Rule: only whole answers are kept: told to their end, by their protocol, and ended by the model
itself. What is given again is byte for byte what the first client got.
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
from dataplane.filters.cache.key import owner_of, request_key
from dataplane.filters.cache.whole import is_worth_keeping
from dataplane.filters.event import Event
from dataplane.runtime import config
from dataplane.runtime.effects import Keep, LookUp, Recalled, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation

TOLD = "x-outrider-cache"
_OK = 200
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(tuple[str, bytes])


class Settings(msgspec.Struct, frozen=True):
    """See CacheConfig of the control plane."""

    ttl_seconds: float = 3600.0
    scope: str = "tenant"
    max_entry_bytes: int = 1 << 20


class CacheFilter(Filter):
    """Looks requests up, and keeps what they were answered."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self._settings = settings_of(spec, Settings)

    def on_request(self, request: Request, context: Context) -> Steps[Verdict]:
        """See Filter."""
        wishes = _wishes(request)
        key = self._key(request, context)
        if key is None or "no-store" in wishes:
            return Continue(request)
        context.notes[self.id] = key
        if "no-cache" in wishes:
            return Continue(request)
        reply = yield LookUp(self.id, key)
        assert isinstance(reply, Recalled)
        if reply.value is None:
            return Continue(request)
        try:
            kind, body = _DECODER.decode(reply.value)
        except msgspec.DecodeError:
            return Continue(request)  # somebody else's, in a Redis that others use
        del context.notes[self.id]
        headers = (("content-type", kind), (TOLD, "hit"))
        return LocalReply(_OK, "", ResponseDetail.CACHE_HIT, headers, body)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        key = context.notes.get(self.id)
        if not isinstance(key, str):
            return None
        return _OfAnswer(self.id, key, context.operation, self._settings)

    def _key(self, request: Request, context: Context) -> str | None:
        """None: such a request is not looked up."""
        if context.operation.protocol is None and context.operation is not Operation.EMBEDDINGS:
            return None
        try:
            body: Any = msgspec.json.decode(request.body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(body, dict) or body.get("background") is True:
            return None
        owner = owner_of(request, context.principal) if self._settings.scope == "tenant" else ""
        return request_key(request, context.operation.value, body, owner, self.id)


class _OfAnswer(AnswerFilter):
    def __init__(self, name: str, key: str, operation: Operation, settings: Settings) -> None:
        self._name = name
        self._key = key
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
        if complete and fits and is_worth_keeping(self._operation, self._events):
            body = b"".join(event.raw for event in self._events)
            value = _ENCODER.encode((self._kind, body))
            yield Keep(self._name, self._key, value, self._settings.ttl_seconds)
        return ()


def _wishes(request: Request) -> frozenset[str]:
    """What the client says about caches."""
    said = (request.header("cache-control") or "").lower()
    return frozenset(word.strip() for word in said.split(","))
