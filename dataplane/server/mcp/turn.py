"""One request of a client to an MCP listener, and what is known of whom it asks."""

from dataclasses import dataclass
from hashlib import blake2b

from dataplane.mcp.events import message_event
from dataplane.mcp.message import Refused, error
from dataplane.mcp.names import Member, Roster
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.server.downstream import Call, Downstream
from dataplane.server.mcp.sessions import Live
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.mcp import JSON, ServerFailedError, Wire

OURS = frozenset(
    (
        *("accept", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version"),
        *("mcp-session-id", "origin", "referer"),
    )
)
"""Headers of the protocol itself: each server gets its own."""
CREDENTIAL = "authorization"


@dataclass(slots=True)
class Turn:
    """What a request needs on its way."""

    call: Call
    downstream: Downstream
    roster: Roster
    client: UpstreamClient
    live: Live | None = None
    """Its session; None: it has none."""
    began: bool = False
    """Whether a stream was begun."""
    pieces: int = 0
    """Of an answer, told as progress."""

    def wire(self, member: Member) -> Wire:
        """How a server is reached for this client."""
        server = member.server
        call = self.call
        named = {name for name, _ in server.headers}
        headers: list[tuple[str, str]] = [
            (name, value)
            for name, value in for_services(call.request.headers)
            if (low := name.lower()) not in OURS and low not in named
        ]
        credential = call.request.header(CREDENTIAL)
        if server.passthrough_auth and credential is not None:
            headers.append((CREDENTIAL, credential))
        headers += [(name, secret.reveal()) for name, secret in server.headers]
        headers += [("traceparent", call.traceparent), ("x-request-id", call.request_id)]
        return Wire(self.client, call.config.clusters[server.cluster], server, tuple(headers))

    def reply(
        self,
        status: int,
        body: bytes = b"",
        detail: ResponseDetail = ResponseDetail.LOCAL,
        headers: Headers = (),
    ) -> None:
        """Answer whole."""
        kind = JSON if body else ()
        self.downstream.reply(LocalReply(status, "", detail, (*kind, *headers), body))

    async def end(self, body: bytes, detail: ResponseDetail) -> None:
        """The response: whole, or as the last event of the stream that was begun."""
        if not self.began:
            self.reply(200, body, detail)
            return
        await self.downstream.write(message_event(body).encoded())
        self.downstream.finish()

    def refuse(
        self,
        id_: bytes | None,
        refused: Refused,
        detail: ResponseDetail = ResponseDetail.INVALID_BODY,
    ) -> None:
        """Answer with an error."""
        self.reply(refused.status, error(id_, refused), detail)

    def failed(self, id_: bytes | None, problem: ServerFailedError) -> None:
        """Answer that a server is not there."""
        self.refuse(id_, problem.refused, problem.detail)

    def start(self, headers: Headers = ()) -> None:
        """Begin a stream of events."""
        self.began = True
        self.downstream.start(200, (*STREAM, *headers))


STREAM = (("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform"))


def roster_of(call: Call) -> Roster:
    """The servers of a listener."""
    servers = call.config.mcp_servers
    return Roster(
        tuple(Member(servers[one.server], one.prefix) for one in call.listener.mcp_servers)
    )


def owner_of(call: Call) -> str:
    """Who a session belongs to: a caller that the listener knows, else whoever has the credential
    that came with it. Never the credential itself.
    """
    if call.owner:
        return call.owner
    credential = call.request.header(CREDENTIAL)
    if credential is None:
        return ""
    return blake2b(credential.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
