"""What a routing model is asked, and what its answer means.

Rule: an answer that names no preference is "none fits"; only one that cannot be read at all is a
failure, and that one is told as such.
"""

import re
from collections.abc import Sequence

import msgspec

from dataplane.runtime.choosing import Preference
from dataplane.runtime.decision import Turn

MAX_TURNS = 16
BYTES_A_TOKEN = 4
HEAD_SHARE = 0.6
"""Of a message that does not fit, how much of what is left goes to its beginning."""

_ASK = """\
You choose who handles a request. Below are the routes there are, one JSON object a line, and a \
conversation with a user.

<routes>
{routes}
</routes>

<conversation>
{conversation}
</conversation>

1. Find out what the user wants now: the latest message, read in the light of the earlier ones.
2. Compare that with the description of each route.
3. Answer with the name of the route that fits best, or with an empty list when none helps.

Answer with JSON of this form and with nothing else: {{"route": ["name"]}}
"""
_OBJECT = re.compile(r"\{[^{}]*\}")


def ask(preferences: Sequence[Preference], turns: Sequence[Turn], context_tokens: int) -> str:
    """The prompt: one user message."""
    routes = "\n".join(
        msgspec.json.encode({"name": one.name, "description": one.description}).decode()
        for one in preferences
    )
    budget = context_tokens * BYTES_A_TOKEN - len(_ASK) - len(routes.encode())
    shown = [{"role": turn.role, "content": turn.text} for turn in trimmed(turns, budget)]
    conversation = msgspec.json.format(msgspec.json.encode(shown), indent=4).decode()
    return _ASK.format(routes=routes, conversation=conversation)


def trimmed(turns: Sequence[Turn], budget: int) -> list[Turn]:
    """The latest turns that fit into `budget` bytes; of a user's message that does not, its
    beginning and end.
    """
    said = [turn for turn in turns if turn.text and turn.role in ("user", "assistant")]
    kept: list[Turn] = []
    for turn in reversed(said[-MAX_TURNS:]):
        size = len(turn.text.encode())
        if size > budget:
            if turn.role == "user" and budget > 0:
                kept.append(Turn(turn.role, _cut(turn.text, budget)))
            break
        kept.append(turn)
        budget -= size
    if not kept and said:
        kept.append(said[-1])
    return kept[::-1]


def _cut(text: str, size: int) -> str:
    data = text.encode()
    head = int(size * HEAD_SHARE)
    tail = size - head
    ends = (data[:head], data[len(data) - tail :])
    return "…".join(end.decode("utf-8", "ignore") for end in ends)


def read_answer(text: str, preferences: Sequence[Preference]) -> Preference | None:
    """The preference that a routing model named; None when it says that none fits.

    Raises ValueError when the answer says nothing of routes. Fences, prose around it and Python's
    quotes are no reason to fail.
    """
    by_name = {one.name: one for one in preferences}
    for found in _OBJECT.findall(text):
        names = _names(found)
        if names is not None:
            return next((by_name[name] for name in names if name in by_name), None)
    if not text.strip():
        return None
    if text.strip(" \n`\"'.") in by_name:
        return by_name[text.strip(" \n`\"'.")]
    raise ValueError("its answer is not the JSON it was asked for")


class _Routes(msgspec.Struct):
    route: list[str] | str | None


def _names(text: str) -> list[str] | None:
    for form in (text, text.replace("'", '"')):
        try:
            route = msgspec.json.decode(form, type=_Routes).route
        except (ValueError, RecursionError):
            continue
        return [route] if isinstance(route, str) else route or []
    return None
