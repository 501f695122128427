"""The tally of an exchange whose answer somebody keeps."""

from collections.abc import Callable

from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tally import Tally
from dataplane.observe.traceparent import Place
from dataplane.server.keeping import Keeper


class KeepingTally(Tally):
    """See Tally; the answer's bytes are those the client gets."""

    __slots__ = ("_keeper",)
    keeps = True

    def __init__(
        self,
        keep: Callable[[bytes], None],
        listener: str,
        method: str,
        path: str,
        request_id: bytes,
        place: Place,
        started: float,
        bytes_received: int,
        begun: ExchangeRecord | None = None,
    ) -> None:
        super().__init__(listener, method, path, request_id, place, started, bytes_received, begun)
        self._keeper = Keeper(keep, request_id)

    def more(self, body: bytes) -> None:
        """See Tally."""
        super().more(body)
        self._take(body)

    def last(self, body: bytes) -> None:
        """See Tally."""
        super().last(body)
        self._take(body)
        self._keeper.end(good=200 <= self.status < 300 and not self.encoding)

    def _take(self, body: bytes) -> None:
        if 200 <= self.status < 300:
            self._keeper.take(body, stream=self.stream)
