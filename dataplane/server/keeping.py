"""Whole answers, as the client gets them, for whoever keeps them (Downstream.relay's `keep`)."""

import logging
from collections.abc import Callable

import msgspec

from dataplane.llm.sse import SseDecoder, SseError

log = logging.getLogger(__name__)

MAX_KEPT_BYTES = 16 * 1024 * 1024
"""Larger answers are not kept."""
_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    response: msgspec.Raw = msgspec.Raw(b"")


_EVENT = msgspec.json.Decoder(_Event)


class Keeper:
    """Collects one answer, whole or a stream of Responses."""

    __slots__ = ("_decoder", "_keep", "_kept", "_kept_bytes", "_request_id")

    def __init__(self, keep: Callable[[bytes], None], request_id: bytes) -> None:
        self._decoder = SseDecoder(MAX_KEPT_BYTES)
        self._keep: Callable[[bytes], None] | None = keep
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._request_id = request_id

    def take(self, body: bytes, *, stream: bool) -> None:
        """More of a good answer."""
        if self._keep is None:
            return
        if stream:
            self._look_for_end(body)
            return
        self._kept_bytes += len(body)
        self._kept.append(body)
        if self._kept_bytes > MAX_KEPT_BYTES:
            self._give_up(f"it is larger than {MAX_KEPT_BYTES} bytes")

    def end(self, *, good: bool) -> None:
        """That was all of it."""
        keep, self._keep = self._keep, None
        if keep is not None and good and self._kept:
            keep(b"".join(self._kept))
        self._kept = []

    def _look_for_end(self, body: bytes) -> None:
        try:
            for event in self._decoder.feed(body):
                if event.name and event.name.decode("latin-1") not in _ENDS:
                    continue
                told = _EVENT.decode(event.data) if event.data[:1] == b"{" else _Event()
                if told.type in _ENDS and bytes(told.response):
                    self._kept = [bytes(told.response)]
        except (SseError, msgspec.MsgspecError, RecursionError, UnicodeError) as problem:
            self._give_up(f"its events cannot be read ({type(problem).__name__})")

    def _give_up(self, why: str) -> None:
        log.warning("the answer of %r is not kept: %s", self._request_id, why)
        self._keep = None
        self._kept = []
