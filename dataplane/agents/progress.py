"""What a client that asks for it is told of a run before the last agent speaks.

Rule: it can be told from an answer. Events are chunks without choices (of the other APIs: events of
a type of our own), which official SDKs hand on or pass over; comments are what every reader of
server-sent events passes over.
"""

from collections.abc import Mapping

import msgspec

from dataplane.runtime.effects import Tell
from dataplane.runtime.protocols import Protocol

EVENTS = "events"
TEXT = "text"
"""Events, and what agents say on the way, as they say it."""
COMMENTS = "comments"
NEVER = "never"
WISHES = (EVENTS, TEXT, COMMENTS, NEVER)
"""Words of the header `x-outrider-progress`."""
_ENCODER = msgspec.json.Encoder()


def can_be_told(speaks: Protocol) -> bool:
    """Whether streams of this API have a place for it: Google's SDK takes comments for data, and
    Amazon's frames have no types of others.
    """
    return speaks in (Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES)


def said_of(run_id: str, tell: Tell, *, withholds: bool = False) -> dict[str, object]:
    """What happens, as an object.

    :param withholds: what agents have said is not for the client as it is.
    """
    said: dict[str, object] = {"event": tell.event, "run": run_id}
    if tell.step:
        said["step"] = tell.step
    if tell.event == "decided":
        said["agents"] = tell.agent.split(",")
    elif tell.agent:
        said["agent"] = tell.agent
    if tell.why:
        said["why"] = tell.why
    if tell.event in ("answered", "delta", "progress") and not withholds:
        said["text"] = tell.text
    return said


def written(
    form: str, said: Mapping[str, object], speaks: Protocol, chunk: Mapping[str, object]
) -> bytes:
    """An event for a client.

    :param chunk: the beginning of a chunk of chat without words.
    """
    if form == COMMENTS:
        return b": outrider %b\n\n" % _ENCODER.encode(said)
    if speaks is Protocol.CHAT:
        return b"data: %b\n\n" % _ENCODER.encode({**chunk, "outrider": said})
    return b"event: outrider\ndata: %b\n\n" % _ENCODER.encode({"type": "outrider", **said})
