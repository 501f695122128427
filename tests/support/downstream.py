"""A client's side of an exchange that only remembers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dataplane.runtime.messages import Headers, LocalReply, Request
from dataplane.server.downstream import DownstreamGoneError
from dataplane.server.limits.charge import Charge
from dataplane.server.sieve import Sieve


@dataclass
class FakeDownstream:
    """Implements Downstream; `events` is what happened, in order."""

    replied: LocalReply | None = None
    relayed: Request | None = None
    models: Sequence[str] | None = None
    keep: Callable[[bytes], None] | None = None
    told: Headers = ()
    marks: int = 0
    sieve: Sieve | None = None
    charge: Charge | None = None
    status: int = 0
    headers: Headers = ()
    body: bytes = b""
    ended: str = ""
    """"finish", "abort" or nothing yet."""
    gone_after: int | None = None
    """Bytes after which the client leaves."""
    writes: list[bytes] = field(default_factory=list)

    def reply(self, reply: LocalReply) -> None:
        """See Downstream."""
        assert not self._over()
        self.replied = reply

    def relay(
        self,
        request: Request,
        models: Sequence[str] | None = None,
        keep: Callable[[bytes], None] | None = None,
        told: Headers = (),
        marks: int = 0,
    ) -> None:
        """See Downstream."""
        assert not self._over()
        self.relayed = request
        self.models = models
        self.keep = keep
        self.told = told
        self.marks = marks

    def last(self) -> None:
        """See Downstream."""

    def charged(self, charge: Charge) -> None:
        """See Downstream."""
        self.charge = charge

    def filter(self, sieve: Sieve) -> None:
        """See Downstream."""
        assert not self._over()
        self.sieve = sieve

    def start(self, status: int, headers: Headers) -> None:
        """See Downstream."""
        assert not self._over()
        self.status, self.headers = status, headers

    async def write(self, data: bytes) -> None:
        """See Downstream."""
        assert self.status
        assert not self.ended
        self.writes.append(data)
        self.body += data
        if self.gone_after is not None and len(self.body) > self.gone_after:
            raise DownstreamGoneError

    async def aside(self, data: bytes) -> None:
        """See Downstream."""
        await self.write(data)

    def finish(self, last: bytes = b"") -> None:
        """See Downstream."""
        self.body += last
        self._end("finish")

    def abort(self, last: bytes = b"") -> None:
        """See Downstream."""
        self.body += last
        self._end("abort")

    def header(self, name: str) -> str | None:
        """The first value of a header of the answer."""
        headers = self.replied.headers if self.replied is not None else self.headers
        return next((value for key, value in headers if key.lower() == name), None)

    def _end(self, how: str) -> None:
        assert self.status
        assert not self.ended
        self.ended = how

    def _over(self) -> bool:
        return bool(self.replied or self.relayed or self.status)
