"""One MCP server as one caller reaches it: messages go there, messages come back.

For whoever has to ask MCP servers (gateway listeners, agents that are tools, filters): `Wire.ask`
is one request and its response, `Wire.opened` an answer that is read as it comes. Sessions are the
caller's affair; `connect` begins one, or finds out that the server keeps none.

The rule: a server that fails is a Refused with the reason and the right status, never a hang and
never an answer that looks whole.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp import stateless
from dataplane.mcp.events import Event, EventDecoder, EventError, message_event
from dataplane.mcp.message import Code, Message, Refused
from dataplane.mcp.session import Peer
from dataplane.mcp.versions import STATELESS, is_session_version
from dataplane.runtime.config import Cluster
from dataplane.runtime.mcp import McpServer
from dataplane.runtime.messages import Headers, Request, ResponseDetail
from dataplane.upstream.attempt import MAX_ANSWER_BYTES
from dataplane.upstream.client import Answer, UpstreamClient
from dataplane.upstream.errors import Phase, UpstreamError

SESSION = "mcp-session-id"
VERSION = "mcp-protocol-version"
ACCEPT = (("accept", "application/json, text/event-stream"),)
JSON = (("content-type", "application/json"),)


class ServerFailedError(Exception):
    """There is no answer, or no whole one."""

    def __init__(self, refused: Refused, detail: ResponseDetail, answered: int = 0) -> None:
        """:param answered: the status that the server gave; 0: none, or that was not why."""
        super().__init__(refused.message)
        self.refused = refused
        self.detail = detail
        self.answered = answered

    @property
    def unreached(self) -> bool:
        """Whether nothing was sent."""
        cause = self.__cause__
        return isinstance(cause, UpstreamError) and cause.failure.phase is Phase.CONNECT


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole answer to one request."""

    status: int
    message: Message | None
    """The response; None: the server said something else."""
    session: str = ""
    """What the server calls the session that it has begun."""
    endpoint: str = ""
    """Who answered."""


class Answered:
    """An answer whose head has come."""

    def __init__(self, answer: Answer, name: str) -> None:
        self._answer = answer
        self._name = name
        self.status = answer.status
        self.endpoint = answer.endpoint
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in reversed(answer.headers)
        }
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.is_stream = kind == "text/event-stream"

    async def whole(self) -> bytes:
        """The body. Raises ServerFailedError."""
        body = bytearray()
        try:
            async for piece in self._answer.pieces():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    told = f"its answer is larger than {MAX_ANSWER_BYTES} bytes"
                    raise failed(self._name, told, ResponseDetail.UPSTREAM_PROTOCOL_ERROR)
        except UpstreamError as problem:
            raise of_upstream(self._name, problem) from problem
        return bytes(body)

    async def events(self) -> AsyncIterator[Event]:
        """What comes, until it ends; an answer that is no stream is one event. Raises
        ServerFailedError.
        """
        if not self.is_stream:
            body = await self.whole()
            if body:
                yield message_event(body)
            return
        decoder = EventDecoder()
        try:
            async for piece in self._answer.pieces():
                for event in decoder.feed(piece):
                    yield event
        except UpstreamError as problem:
            raise of_upstream(self._name, problem) from problem
        except EventError as problem:
            raise failed(
                self._name, str(problem), ResponseDetail.UPSTREAM_PROTOCOL_ERROR
            ) from problem


@dataclass(frozen=True, slots=True)
class Wire:
    """How a server is reached."""

    client: UpstreamClient
    cluster: Cluster
    server: McpServer
    headers: Headers = ()
    """Of every request: the operator's, and the client's that go along."""
    endpoint: str = ""
    """The one that has the session; empty: any."""

    def of(self, peer: Peer) -> "Wire":
        """The same to where a session is."""
        return replace(self, endpoint=peer.endpoint) if peer.endpoint else self

    @asynccontextmanager
    async def opened(
        self, method: str, body: bytes = b"", more: Headers = ()
    ) -> AsyncGenerator[Answered, None]:
        """Send something; its answer may be read inside. Raises ServerFailedError."""
        headers = (*ACCEPT, *(JSON if body else ()), *more, *self.headers)
        request = Request(method, self.server.path, headers, body)
        try:
            async with self.client.open(self.cluster, request, at=self.endpoint) as answer:
                yield Answered(answer, self.server.id)
        except UpstreamError as problem:
            raise of_upstream(self.server.id, problem) from problem

    async def ask(self, body: bytes, more: Headers = (), timeout_s: float | None = None) -> Heard:
        """One request and its response; what comes before that is passed over. Raises
        ServerFailedError.
        """
        limit = self.server.timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit), self.opened("POST", body, more) as answer:
                session = answer.headers.get(SESSION, "")
                async for event in answer.events():
                    if not event.is_message:
                        continue
                    found = rpc.read(event.data)
                    if isinstance(found, Message) and not found.method:
                        return Heard(answer.status, found, session, answer.endpoint)
                return Heard(answer.status, None, session, answer.endpoint)
        except TimeoutError as problem:
            raise self._late(limit) from problem

    async def tell(self, body: bytes, more: Headers = ()) -> int:
        """Send what has no response; the status. Raises ServerFailedError."""
        limit = self.server.timeout_s
        try:
            async with asyncio.timeout(limit), self.opened("POST", body, more) as answer:
                await answer.whole()
                return answer.status
        except TimeoutError as problem:
            raise self._late(limit) from problem

    def _late(self, limit_s: float) -> ServerFailedError:
        told = f"no answer within {limit_s:g} s"
        return failed(self.server.id, told, ResponseDetail.DEADLINE_EXCEEDED, 504)


async def connect(wire: Wire, asked: Raw, *, ready: bool = True) -> Peer:
    """Begin a session with `initialize`; `ready`: tell the server that it may begin. Raises
    ServerFailedError.
    """
    heard = await wire.ask(rpc.request(b"0", "initialize", asked))
    result = heard.message.result if heard.message is not None else None
    if heard.message is None or result is None:
        raise refused_by(wire.server.id, heard)
    version = rpc.text(result.get("protocolVersion"))
    if not is_session_version(version):
        told = f"it speaks version {version[:40]!r} of the protocol, which is not known here"
        raise failed(wire.server.id, told, ResponseDetail.UPSTREAM_PROTOCOL_ERROR)
    about = heard.message.members["result"]
    peer = Peer(version, heard.session, about, heard.endpoint if heard.session else "")
    if ready:
        await wire.of(peer).tell(rpc.notification("notifications/initialized"), of_session(peer))
    return peer


async def discover(wire: Wire) -> Peer | None:
    """What a server says of itself that needs no session; None: it does. Raises
    ServerFailedError when nobody is there.
    """
    meta = {
        stateless.VERSION_KEY: STATELESS[-1],
        stateless.CAPABILITIES_KEY: {},
        stateless.CLIENT_KEY: {"name": "outrider", "version": "1"},
    }
    body = rpc.request(b"0", stateless.DISCOVER, {"_meta": meta})
    asked = rpc.read(body)
    assert isinstance(asked, Message)
    heard = await wire.ask(body, stateless.headers(asked))
    result = heard.message.result if heard.message is not None else None
    if heard.message is None or result is None:
        return None
    versions = rpc.value(result.get("supportedVersions"))
    if not isinstance(versions, list) or STATELESS[-1] not in versions:
        return None
    return Peer(STATELESS[-1], "", heard.message.members["result"])


async def meet(wire: Wire, asked: Raw, *, ready: bool = True, sessions_first: bool = True) -> Peer:
    """A server in the protocol that the client speaks, or else in the one that it has. Raises
    ServerFailedError.
    """
    if not sessions_first:
        found = await discover(wire)
        return found if found is not None else await connect(wire, asked, ready=ready)
    try:
        return await connect(wire, asked, ready=ready)
    except ServerFailedError as problem:
        if problem.detail is not ResponseDetail.UPSTREAM_ERROR:
            raise
        found = await discover(wire)
        if found is None:
            raise
        return found


def of_session(peer: Peer) -> Headers:
    """The headers of everything that is said in a session."""
    named = ((SESSION, peer.session),) if peer.session else ()
    return (*named, (VERSION, peer.version))


def failed(server: str, why: str, detail: ResponseDetail, status: int = 502) -> ServerFailedError:
    """A server that did not answer as it should."""
    told = f"MCP server '{server}' is not available: {why}."
    said = {"detail": detail.value}
    return ServerFailedError(Refused(Code.INTERNAL_ERROR, told, status, said), detail)


def of_upstream(server: str, problem: UpstreamError) -> ServerFailedError:
    """The same of a failure below HTTP."""
    failure = problem.failure
    return failed(server, failure.reason, failure.detail, failure.status)


def refused_by(server: str, heard: Heard) -> ServerFailedError:
    """A server that did not begin a session."""
    error = heard.message.error if heard.message is not None else None
    said = rpc.text(error.get("message")) if error is not None else ""
    why = f"it answered {heard.status}" + (f": {said[:300]}" if said else "")
    problem = failed(server, why, ResponseDetail.UPSTREAM_ERROR)
    problem.answered = heard.status if heard.status >= 400 else 0
    return problem
