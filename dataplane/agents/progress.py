"""What a client that asks for it is told of a run before the last agent speaks.

Rule: it can be told from an answer. Events are chunks without choices, which official SDKs hand on
as they are; comments are what every reader of server-sent events passes over.
"""

from collections.abc import Mapping

import msgspec

from dataplane.runtime.effects import Tell

EVENTS = "events"
COMMENTS = "comments"
NEVER = "never"
WISHES = (EVENTS, COMMENTS, NEVER)
"""Words of the header `x-outrider-progress`."""
_ENCODER = msgspec.json.Encoder()


def told(form: str, run_id: str, tell: Tell, chunk: Mapping[str, object]) -> bytes:
    """One event.

    :param chunk: the beginning of a chunk without words.
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
    if tell.event == "answered":
        said["text"] = tell.text
    if form == COMMENTS:
        return b": outrider %b\n\n" % _ENCODER.encode(said)
    return b"data: %b\n\n" % _ENCODER.encode({**chunk, "outrider": said})
