"""Lists of several servers as one, for clients of either generation."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dataplane.mcp import merge, tokens
from dataplane.mcp.message import Code, Members, Message, Refused, members, text
from dataplane.mcp.names import Member, Roster
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.sessions import Live
from dataplane.server.mcp.turn import Turn
from dataplane.upstream.mcp import Heard, ServerFailedError, failed

Ask = Callable[[Member, Message], Awaitable[Heard]]
"""One request and its whole response. Raises ServerFailedError."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, and what it is made of."""

    made: dict[str, Any]
    pages: Sequence[tuple[Member, Members]]


async def one_list(turn: Turn, message: Message, ask: Ask) -> Listed | Refused | ServerFailedError:
    """The list that a client asks for, of all servers that are there; a failure: none is."""
    asked = pages(turn.roster, message, turn.live)
    if isinstance(asked, Refused):
        return asked
    answers: list[tuple[Member, Members]] = []
    missing: dict[str, str] = {}
    problem: ServerFailedError | None = None
    for member, heard in await ask_each(ask, asked):
        if isinstance(heard, ServerFailedError):
            problem = heard
            missing[member.id] = heard.refused.message
        elif (page := heard.result) is not None:
            answers.append((member, page))
    if not answers and problem is not None:
        return problem
    return Listed(merge.one_list(turn.roster, message.method, answers, missing), answers)


async def ask_each(
    ask: Ask, asked: Sequence[tuple[Member, Message]]
) -> list[tuple[Member, Message | ServerFailedError]]:
    """The responses of servers that are asked at the same time, or what failed."""

    async def one(member: Member, message: Message) -> Message | ServerFailedError:
        try:
            heard = await ask(member, message)
        except ServerFailedError as problem:
            return problem
        if heard.message is None:
            told = f"it answered {heard.status}"
            return failed(member.id, told, ResponseDetail.UPSTREAM_ERROR)
        return heard.message

    heard = await asyncio.gather(*(one(member, message) for member, message in asked))
    return [(member, one) for (member, _), one in zip(asked, heard, strict=True)]


def pages(
    roster: Roster, message: Message, live: Live | None = None
) -> list[tuple[Member, Message]] | Refused:
    """Who is asked for which page of a list; those that are known to have none are not."""
    cursor = message.params.get("cursor")
    if cursor is None:
        capability = merge.CAPABILITY[message.method]
        known = live.session.peers if live is not None else {}
        return [
            (member, message)
            for member in roster.members
            if (peer := known.get(member.id)) is None
            or capability in members(members(peer.told).get("capabilities"))
        ]
    cursors = tokens.cursors(text(cursor))
    if cursors is None or not all(roster.of(name) for name in cursors):
        return Refused(Code.INVALID_PARAMS, "Invalid cursor")
    return [
        (member, message.replaced(params={**message.params, "cursor": cursors[member.id]}))
        for member in roster.members
        if member.id in cursors
    ]
