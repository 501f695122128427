"""What a request asks for, by its method and path. Pure: a table.

The rule: the path and the body decide, never `Accept`. A path names the operation, and in Google's
and Amazon's APIs the model and whether the answer streams as well; elsewhere the body says those.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from dataplane.agents.a2a.doors import is_door
from dataplane.runtime import mcp
from dataplane.runtime.config import ListenerKind
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH, Operation, Protocol, Reader, Rpc

PLACES = {operation: place for place, operation in enumerate(Operation)}
"""A small number for each operation: an Enum's hash is Python code, an index is not."""
SHAPES = {
    Operation.CHAT: Protocol.CHAT,
    Operation.COMPLETIONS: Protocol.CHAT,
    Operation.EMBEDDINGS: Protocol.CHAT,
    Operation.RESPONSES: Protocol.RESPONSES,
    Operation.MESSAGES: Protocol.MESSAGES,
    Operation.COUNT_TOKENS: Protocol.MESSAGES,
    Operation.GENERATE_CONTENT: Protocol.GEMINI,
    Operation.GEMINI_COUNT_TOKENS: Protocol.GEMINI,
    Operation.CONVERSE: Protocol.CONVERSE,
}
"""Whose error bodies the callers of an operation read."""


@dataclass(frozen=True)
class Stored:
    """Something is to be done with a Responses answer that was kept."""

    response_id: str
    action: str
    """"get", "delete", "input_items" or "cancel"."""


@dataclass(frozen=True)
class Ask:
    """An operation, and what else the path says."""

    operation: Operation
    path: str
    """Without its query."""
    query: str = ""
    model: str | None = None
    """None: the body names it."""
    stream: bool = False
    """Whether the path asks for a stream; only where it names the model."""
    place: int = 0
    shape: Protocol = Protocol.CHAT
    protocol: Protocol | None = Protocol.CHAT
    """The same of generations, which can be translated; None of what is only relayed."""
    decides: bool = False
    """Nothing is to be generated: only which model would be is asked for."""
    remembers: bool = False
    """Whether the API keeps what was said: Responses."""
    signed: bool = False
    """Whether its requests may bring signed thinking along."""
    stored: Stored | None = None
    """What is asked about an answer that was kept."""
    mcp: bool = False
    """Whether it is the Model Context Protocol, of whatever method."""
    a2a: bool = False
    """Whether it is asked in A2A; the rest is not read from the path then."""


def ask(
    operation: Operation, path: str, query: str = "", model: str | None = None, stream: bool = False
) -> Ask:
    """An Ask with what follows from its operation."""
    place, shape, protocol = PLACES[operation], SHAPES[operation], operation.protocol
    made = Ask(operation, path, query, model, stream, place, shape, protocol)
    if protocol is None or operation is Operation.CHAT:
        return made
    return replace(made, remembers=operation is Operation.RESPONSES, signed=True)


CHAT_ASK: Final = ask(Operation.CHAT, CHAT_PATH)
POSTS: Final = {
    made.path: made
    for made in (
        CHAT_ASK,
        ask(Operation.COMPLETIONS, "/v1/completions"),
        ask(Operation.EMBEDDINGS, "/v1/embeddings"),
        ask(Operation.RESPONSES, "/v1/responses"),
        ask(Operation.MESSAGES, "/v1/messages"),
        ask(Operation.COUNT_TOKENS, "/v1/messages/count_tokens"),
    )
}
"""By path, what is asked with POST and without a query."""
POSTS.update(
    {
        f"/routing{made.path}": replace(made, path=f"/routing{made.path}", decides=True)
        for made in POSTS.values()
        if made.operation in (Operation.CHAT, Operation.RESPONSES, Operation.MESSAGES)
    }
)
_GOOGLE = re.compile(
    r"/v1(?:alpha|beta|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?"
    r"models/(.+):([A-Za-z]+)"
)
_GOOGLE_VERBS = {
    "generateContent": (Operation.GENERATE_CONTENT, False),
    "streamGenerateContent": (Operation.GENERATE_CONTENT, True),
    "countTokens": (Operation.GEMINI_COUNT_TOKENS, False),
}
_AMAZON = re.compile(r"/model/(.+)/([a-z-]+)")
_AMAZON_VERBS = {"converse": False, "converse-stream": True}
_STORED = re.compile(
    r"/v1/responses/(?!(?:compact|input_tokens)$)([^/]+)(?:/(input_items|cancel))?"
)
_ACTIONS: Mapping[str | None, Mapping[str, str]] = {
    None: {"GET": "get", "DELETE": "delete"},
    "input_items": {"GET": "input_items"},
    "cancel": {"POST": "cancel"},
}
_SHOWN = 200


def look_at_mcp(path: str) -> Ask | None:
    """The same of an MCP listener: what is asked says the body, whatever the method."""
    return mcp_ask(path) if path == mcp.PATH else None


def mcp_ask(path: str) -> Ask:
    """What is asked in the Model Context Protocol; no operation of a model has a part in it."""
    return Ask(Operation.CHAT, path, protocol=None, mcp=True)


def look(method: str, path: str, query: str = "") -> Ask | LocalReply | None:
    """What is asked for; None when the path is no API's that takes requests for models."""
    found = POSTS.get(path)
    if found is not None:
        if method != "POST":
            return only(method, path, ("POST",))
        return replace(found, query=query) if query else found
    google = _GOOGLE.fullmatch(path)
    if google is not None:
        return _google(method, path, query, google)
    amazon = _AMAZON.fullmatch(path)
    if amazon is not None:
        return _amazon(method, path, query, amazon)
    stored = _STORED.fullmatch(path)
    if stored is not None:
        return _stored(method, path, query, stored)
    return None


def look_at_agents(method: str, path: str, query: str = "") -> Ask | LocalReply | None:
    """The same of an agent listener: any API in which a conversation can be gone on with."""
    if path == mcp.PATH:
        return mcp_ask(path)
    if is_door(path):
        return replace(CHAT_ASK, path=path, query=query, a2a=True)
    found = look(method, path, query)
    if isinstance(found, Ask) and found.protocol is None:
        return nothing_at(path)
    return found


def reader_of(kind: ListenerKind, path: str, names: Iterable[bytes] = ()) -> Reader:
    """Whose errors a caller of a listener reads, whatever becomes of its request."""
    if kind is ListenerKind.MCP or (kind is ListenerKind.AGENT and path == mcp.PATH):
        return Rpc.MCP
    return shape_of(path, names)


def shape_of(path: str, names: Iterable[bytes] = ()) -> Protocol:
    """Whose errors (and lists of models) a caller reads: by the path, and by the names of its
    headers where APIs share one.
    """
    if path.startswith(("/v1/messages", "/anthropic/", "/routing/v1/messages")):
        return Protocol.MESSAGES
    if path.startswith(("/v1beta/", "/v1beta1/", "/v1alpha/")) or _GOOGLE.fullmatch(path):
        return Protocol.GEMINI
    if path.startswith("/model/"):
        return Protocol.CONVERSE
    if path.startswith(("/v1/responses", "/routing/v1/responses")):
        return Protocol.RESPONSES
    for name in names:
        low = name.lower()
        if low == b"anthropic-version":
            return Protocol.MESSAGES
        if low.startswith(b"x-goog-api-"):
            return Protocol.GEMINI
    return Protocol.CHAT


def only(method: str, path: str, allowed: tuple[str, ...]) -> LocalReply:
    """405."""
    return LocalReply(
        405,
        f"{method} is not possible at {path[:_SHOWN]}; use {' or '.join(allowed)}.",
        ResponseDetail.METHOD_NOT_ALLOWED,
        (("allow", ", ".join(allowed)),),
    )


def meant(path: str, kind: ListenerKind) -> str:
    """How a 404 goes on: SDKs differ in whether /v1 belongs to their base URL. Empty: who knows."""
    if kind is ListenerKind.MCP:
        return f"; perhaps {mcp.PATH} is meant"
    known = look if kind.is_of_models else look_at_agents
    for one in (f"/v1{path}", path.removeprefix("/v1"), path.rstrip("/")):
        if one != path and isinstance(known("POST", one), Ask):
            return f"; perhaps {one[:_SHOWN]} is meant"
    return ""


def nothing_at(path: str, why: str = "") -> LocalReply:
    """404."""
    return LocalReply(
        404, f"There is nothing at {path[:_SHOWN]}{why}.", ResponseDetail.ROUTE_NOT_FOUND
    )


def _google(method: str, path: str, query: str, found: re.Match[str]) -> Ask | LocalReply:
    verb = _GOOGLE_VERBS.get(found[2])
    if verb is None:
        return nothing_at(path, f": {found[2][:64]} is not offered")
    if method != "POST":
        return only(method, path, ("POST",))
    operation, stream = verb
    return ask(operation, path, query, unquote(found[1]), stream)


def _amazon(method: str, path: str, query: str, found: re.Match[str]) -> Ask | LocalReply:
    stream = _AMAZON_VERBS.get(found[2])
    if stream is None:
        return nothing_at(path, ": only Converse is offered, use `converse` or `converse-stream`")
    if method != "POST":
        return only(method, path, ("POST",))
    return ask(Operation.CONVERSE, path, query, unquote(found[1]), stream)


def _stored(method: str, path: str, query: str, found: re.Match[str]) -> Ask | LocalReply:
    part = found[2]
    actions = _ACTIONS[part]
    action = actions.get(method)
    if action is None:
        return only(method, path, tuple(actions))
    made = ask(Operation.RESPONSES, path, query)
    return replace(made, stored=Stored(unquote(found[1]), action))
