"""The last agent's answer, passed on as it comes.

Rule: the client gets whole events only, and a stream that breaks off is told so within it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataplane.agents.spoken import is_chat
from dataplane.llm.error_faults import failure_in_band
from dataplane.llm.hub.answer import Failure
from dataplane.llm.usage import TAIL_BYTES
from dataplane.runtime.headers import for_client
from dataplane.runtime.protocols import Protocol
from dataplane.server.answering import Answering
from dataplane.server.heard import Heard
from dataplane.server.passing import NO_END, Passing
from dataplane.upstream.client import UpstreamError

if TYPE_CHECKING:
    from dataplane.upstream.errors import UpstreamFailure

OK = 200


@dataclass(slots=True)
class PassedOn:
    """What became of it."""

    failure: "UpstreamFailure | None" = None
    tail: bytes = b""
    """The last bytes of what is whole."""


async def pass_on(answer: Heard, client: Answering) -> PassedOn:
    """The body, to the client that has or gets the head. Raises UpstreamError for a body that
    breaks where nothing tells its reader so.
    """
    if not client.begun:
        client.start(answer.status, for_client(answer.headers))
    tail = b""
    passing = Passing(Protocol.CHAT) if is_plain_stream(answer) else None
    failure = NO_END
    try:
        async for read in answer.pieces():
            piece = read if passing is None else passing.feed(read, False)
            if piece:
                await client.write(piece)
                tail = (tail + piece)[-TAIL_BYTES:]
            if passing is not None and passing.told is not None:
                break
    except UpstreamError as problem:
        if passing is None:
            raise
        failure = problem.failure
    if passing is not None:
        rest = passing.feed(b"", True)
        if not passing.whole:
            await client.write(rest + passing.error_event(_told(passing, failure)))
            return PassedOn(failure)
        await client.write(rest + passing.last_words())
    return PassedOn(tail=tail)


def is_plain_stream(answer: Heard) -> bool:
    """Whether an agent answers with server-sent events that can be read."""
    named = {name.lower(): value.strip().lower() for name, value in answer.headers}
    is_plain = named.get("content-encoding", "identity") == "identity"
    return answer.status == OK and is_plain and _kind(answer) == "text/event-stream"


def may_be_chat(answer: Heard) -> bool:
    """Whether a good answer calls itself something that chat completions come as."""
    return is_chat(_kind(answer))


def _kind(answer: Heard) -> str:
    named = {name.lower(): value for name, value in answer.headers}
    return named.get("content-type", "").partition(";")[0].strip().lower()


def _told(passing: Passing, failure: "UpstreamFailure") -> Failure:
    """Why a stream has no end: the agent's own words, if it said any."""
    if passing.told is not None:
        return failure_in_band(Protocol.CHAT, passing.told)
    return Failure(failure.status, failure.message, code=failure.detail.value)
