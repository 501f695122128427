"""Which conversation a request belongs to. Pure.

Rule: a session is one client's. The tenant is part of every key, and what identifies a conversation
without an id of its own is what stays the same in all its turns: instructions, tools and the first
words of the user.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request
from dataplane.runtime.decision import Turn
from dataplane.sessions.store import key_of

KIND = "model"
AGENTS = "agents"
"""The kind of sessions with agents."""
MAX_ID = 256
_SALT = b"outrider-affinity-v1"
_SEPARATOR = b"\x1f"
_INSTRUCTING = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation."""

    id: str
    """The client's own word, or "implicit:" and a hash."""
    key: str
    """Of the store."""
    explicit: bool


def session_of(request: Request, affinity: str, tenant: str, implicit: bool) -> Session | None:
    """The session of a request; None when it has none.

    :param affinity: the client's own word for it, or nothing.
    :param implicit: whether requests without such a word have a session too.
    """
    if affinity:
        name = affinity
    else:
        first = _first_words(request) if implicit else None
        if first is None:
            return None
        name = f"implicit:{_digest(tenant, *_prefix(request), first)}"
    # A client that asks for another model wants another model, not the session's.
    lane = _digest(name, request.model)
    return Session(name[:MAX_ID], key_of(KIND, tenant, lane), bool(affinity))


def talk_of(
    turns: Sequence[Turn], affinity: str, listener: str, tenant: str, implicit: bool
) -> Session | None:
    """The session of a conversation with the agents of a listener; None when it has none.

    :param affinity, implicit: as of `session_of`.
    """
    name = affinity
    if not name:
        first = next((turn.text for turn in turns if turn.role == "user" and turn.text), None)
        if first is None or not implicit:
            return None
        told = (turn.text for turn in turns if turn.role in _INSTRUCTING)
        name = f"implicit:{_digest(tenant, *told, first)}"
    return Session(name[:MAX_ID], key_of(AGENTS, tenant, _digest(name, listener)), bool(affinity))


def key_of_call(call: str) -> str:
    """Of one call of an agent; ids of calls are ours, and nobody can guess them."""
    return key_of("call", "", call)


def book_of_run(run: str) -> str:
    """Where it is written down what requests within a run have cost; only tickets tell its id."""
    return key_of("run", "", run)


def prefix_hash(request: Request, tenant: str) -> str:
    """A hash of what a provider's cache holds from the first turn on: instructions and tools."""
    return _digest(tenant, *_prefix(request))


def _prefix(request: Request) -> tuple[str, str]:
    system = "".join(part.text for part in request.system if isinstance(part, Text))
    return system, ",".join(tool.name for tool in request.tools)


def _first_words(request: Request) -> str | None:
    for message in request.messages:
        if message.role == "user":
            text = "".join(part.text for part in message.parts if isinstance(part, Text))
            if text:
                return text
    return None


def _digest(*texts: str) -> str:
    digest = hashlib.blake2b(_SALT, digest_size=8)
    for text in texts:
        # Half a surrogate pair cannot be encoded, and a client may send one.
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(_SEPARATOR)
    return digest.hexdigest()
