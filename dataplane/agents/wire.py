"""An agent's own protocol: the chat request that it is asked with, as it reads it, and back.

Rule: whoever asks agents knows chat alone; what an agent speaks ends here.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dataplane.llm.hub.delta import Failed
from dataplane.llm.translate.between import translate_request
from dataplane.llm.translate.codec import Codec, Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.retold import JSON, Head, Retold
from dataplane.llm.wire.body import peek
from dataplane.runtime.agents import AgentProtocol
from dataplane.runtime.config import Agent
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import Headers, LocalReply, Request
from dataplane.runtime.protocols import Protocol

if TYPE_CHECKING:
    from dataplane.llm.hub.answer import Failure

EVENT_STREAM = "text/event-stream"
_PATHS = {Protocol.RESPONSES: "/v1/responses", Protocol.MESSAGES: "/v1/messages"}
_VERSION = ("anthropic-version", "2023-06-01")
_OF_THE_BODY = ("content-", "etag", "digest", "accept-ranges", "last-modified")
"""Headers that begin so say something of bytes which are not passed on."""
_CHAT = CODECS[Protocol.CHAT]


@dataclass(frozen=True, slots=True)
class Wording:
    """A question in an agent's own protocol, and how its answers are read."""

    request: Request
    codec: Codec
    echo: Echo

    def answer(self, status: int, headers: Headers) -> "Reworded":
        """What is made of an answer whose head has come; one for each attempt."""
        return Reworded(self.codec, self.echo, status, headers)


def worded(agent: Agent, request: Request, answer_id: str) -> Wording | LocalReply:
    """`request`, which is chat, for an agent that speaks another API of models.

    :param answer_id: unique, of letters and digits.
    """
    protocol = _MODEL_APIS[agent.protocol]
    found = peek(request.body)
    if isinstance(found, LocalReply):
        return found
    made = translate_request(
        Protocol.CHAT,
        protocol,
        found.body,
        (found.model or "", found.stream),
        found.model or "",
        PLAIN,
        agent.drop_untranslatable,
    )
    if isinstance(made, LocalReply):
        return made
    headers = request.headers
    if protocol is Protocol.MESSAGES and request.header(_VERSION[0]) is None:
        headers = (*headers, _VERSION)
    body = b"".join((made.body, *(bytes(piece) for piece in made.rest)))
    theirs = replace(
        request, path=agent.path_prefix + _PATHS[protocol], query="", headers=headers, body=body
    )
    return Wording(theirs, CODECS[protocol], Echo(made.request, 0, answer_id))


def without_body(headers: Headers) -> Headers:
    """Headers of an answer whose body is told in other bytes."""
    return tuple(one for one in headers if not one[0].lower().startswith(_OF_THE_BODY))


class Reworded:
    """A fold over an agent's answer: what there is of it in chat."""

    def __init__(self, codec: Codec, echo: Echo, status: int, headers: Headers) -> None:
        named = {name.lower(): value.strip().lower() for name, value in headers}
        encoding = named.get("content-encoding", "identity")
        kind = named.get("content-type", "")
        self.status = status
        """Of the answer in chat; final when its first bytes are there."""
        self._is_stream = echo.request.stream and 200 <= status < 300
        self.headers: Headers = (
            *without_body(headers),
            ("content-type", EVENT_STREAM if self._is_stream else JSON),
        )
        self._writer = _CHAT.stream_writer(echo)
        self._retold = Retold(codec, _CHAT, echo, self._writer)
        self._retold.head(Head(status, kind.startswith(EVENT_STREAM), encoding != "identity"))

    def feed(self, data: bytes) -> bytes:
        """What a read makes."""
        return self._retold.feed(data)

    def finish(self) -> "bytes | Failure":
        """The rest, or all of it; a Failure: it was good only at first sight."""
        rest = self._retold.finish()
        if isinstance(rest, bytes):
            return rest
        if rest.failure is None or self.status >= 400:
            self.status = rest.status
            return rest.body
        if rest.failure.status == 502:
            return rest.failure
        if self._is_stream:
            return self._writer.feed([Failed(rest.failure)])
        self.status = rest.status
        return rest.body


_MODEL_APIS = {
    AgentProtocol.RESPONSES: Protocol.RESPONSES,
    AgentProtocol.MESSAGES: Protocol.MESSAGES,
}
