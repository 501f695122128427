"""The last agent's answer, passed on as it comes.

Rule: the client gets whole events only, and a stream that breaks off is told so within it.
"""

from dataclasses import dataclass

from dataplane.agents.spoken import is_chat
from dataplane.llm.chat import is_json_object
from dataplane.llm.error_faults import failure_in_band
from dataplane.llm.hub.answer import Failure
from dataplane.llm.usage import TAIL_BYTES
from dataplane.runtime.headers import for_client
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.answering import Answering
from dataplane.server.heard import Heard
from dataplane.server.passing import NO_END, Passing
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure

OK = 200


@dataclass(slots=True)
class PassedOn:
    """What became of it."""

    failure: UpstreamFailure | None = None
    tail: bytes = b""
    """The last bytes of what is whole."""


_SAID_SO = UpstreamFailure(
    Phase.ANSWER, ResponseDetail.UPSTREAM_ERROR, "it told an error within its stream"
)


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
            return PassedOn(failure if passing.told is None else _SAID_SO)
        await client.write(rest + passing.last_words())
    return PassedOn(tail=tail)


def is_plain_stream(answer: Heard) -> bool:
    """Whether an agent answers with server-sent events that can be read."""
    named = {name.lower(): value.strip().lower() for name, value in answer.headers}
    is_plain = named.get("content-encoding", "identity") == "identity"
    return answer.status == OK and is_plain and _kind(answer) == "text/event-stream"


def may_be_chat(answer: Heard) -> bool:
    """Whether a good answer is what it calls itself, and that is what chat completions come as.
    What else an object says is the agent's affair.
    """
    kind, whole = _kind(answer), answer.whole
    is_json = kind == "application/json" and whole is not None
    return is_chat(kind) and (not is_json or is_json_object(whole or b""))


def _kind(answer: Heard) -> str:
    named = {name.lower(): value for name, value in answer.headers}
    return named.get("content-type", "").partition(";")[0].strip().lower()


def _told(passing: Passing, failure: UpstreamFailure) -> Failure:
    """Why a stream has no end: the agent's own words, if it said any."""
    if passing.told is not None:
        return failure_in_band(Protocol.CHAT, passing.told)
    return Failure(failure.status, failure.reason, code=failure.detail.value)
