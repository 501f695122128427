"""Who is asked what a client asks for, and how it is asked there. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Raw

from dataplane.mcp import tokens
from dataplane.mcp.merge import LISTS, is_plain, own_list
from dataplane.mcp.message import (
    Code,
    Message,
    Refused,
    encode,
    members,
    text,
)
from dataplane.mcp.names import Member, Roster

BY_URI = ("resources/read", "resources/subscribe", "resources/unsubscribe")
TO_ALL = ("logging/setLevel", "ping")
CANCELLED = "notifications/cancelled"
NOT_FOUND = (-32002, Code.INVALID_PARAMS, Code.METHOD_NOT_FOUND)
"""Errors with which a server says that it does not have a resource."""


@dataclass(frozen=True, slots=True)
class One:
    """One server is asked."""

    member: Member
    message: Message


@dataclass(frozen=True, slots=True)
class InTurn:
    """Whoever knows it: servers are asked until one does not say that it has no such thing."""

    members: tuple[Member, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class All:
    """Every server is asked, and the answers are one."""

    message: Message


Way = One | InTurn | All


def way(roster: Roster, message: Message) -> Way | Refused:
    """Where a client's request goes."""
    method = message.method
    if method in ("tools/call", "prompts/get"):
        return _by_name(roster, message)
    only = roster.only
    if only is not None:
        return One(only, message)
    if method in LISTS or method in TO_ALL:
        return All(message)
    if method in BY_URI:
        return InTurn(roster.members, message)
    if method == "completion/complete":
        return _completion(roster, message)
    return Refused(
        Code.METHOD_NOT_FOUND, f"Method not found: {method[:100]} is not offered of several servers"
    )


def _by_name(roster: Roster, message: Message) -> One | Refused:
    name = text(message.params.get("name"))
    what = "tool" if message.method == "tools/call" else "prompt"
    found = roster.leads(name)
    if found is None or (what == "tool" and not found[0].offers(found[1])):
        return Refused(Code.INVALID_PARAMS, f"Unknown {what}: {name[:200]}")
    member, there = found
    if there == name:
        return One(member, message)
    return One(member, message.replaced(params={**message.params, "name": there}))


def _completion(roster: Roster, message: Message) -> One | InTurn | Refused:
    ref = members(message.params.get("ref"))
    if text(ref.get("type")) != "ref/prompt":
        return InTurn(roster.members, message)
    name = text(ref.get("name"))
    found = roster.leads(name)
    if found is None:
        return Refused(Code.INVALID_PARAMS, f"Unknown prompt: {name[:200]}")
    member, there = found
    params = {**message.params, "ref": Raw(encode({**ref, "name": there}))}
    return One(member, message.replaced(params=params))


def receivers(roster: Roster, message: Message) -> list[tuple[Member, Message]]:
    """Who gets what a client sends without waiting: notifications, and responses of its own."""
    only = roster.only
    if only is not None:
        return [(only, message)]
    ids = roster.ids
    if not message.method:
        found = tokens.unmarked(message.id or b"", ids)
        return _one(roster, found, message.replaced(id=Raw(found[1]))) if found else []
    if message.method == "notifications/progress":
        params = message.params
        found = tokens.unmarked(bytes(params.get("progressToken", b"")), ids)
        if found is None:
            return []
        there = {**params, "progressToken": Raw(found[1])}
        return _one(roster, found, message.replaced(params=there))
    return [(member, message) for member in roster.members]


def _one(
    roster: Roster, found: tuple[str, bytes], message: Message
) -> list[tuple[Member, Message]]:
    member = roster.of(found[0])
    return [(member, message)] if member is not None else []


def to_client(roster: Roster, member: Member, message: Message, asked: str = "") -> Message:
    """What a client sees of a message of a server; `asked` is the method that a response is to."""
    if not message.method:
        result = message.result
        if asked not in LISTS or result is None or is_plain(member, asked):
            return message
        return message.replaced(result=own_list(roster, member, asked, result))
    if roster.only is not None:
        return message
    params = message.params
    if message.is_request:
        meta = members(params.get("_meta"))
        changes: dict[str, object] = {}
        if "progressToken" in meta:
            token = Raw(tokens.marked(member.id, bytes(meta["progressToken"])))
            named = Raw(encode({**meta, "progressToken": token}))
            changes["params"] = {**params, "_meta": named}
        return message.replaced(id=Raw(tokens.marked(member.id, message.id or b"")), **changes)
    if message.method == CANCELLED and "requestId" in params:
        there = Raw(tokens.marked(member.id, bytes(params["requestId"])))
        return message.replaced(params={**params, "requestId": there})
    return message


def says_not_found(message: Message) -> bool:
    """Whether a server has no such resource."""
    error = message.error
    return error is not None and _number(error.get("code")) in NOT_FOUND


def is_error_of(message: Message, codes: Iterable[int]) -> bool:
    """Whether a response is an error with one of these codes."""
    error = message.error
    return error is not None and _number(error.get("code")) in tuple(codes)


def _number(raw: Raw | None) -> int:
    try:
        return int(bytes(raw)) if raw is not None else 0
    except ValueError:
        return 0
