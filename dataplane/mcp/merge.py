"""Several servers as one: lists, capabilities, and what a client is told of a single one.

The rule: of a server that nothing is changed about, not a byte is changed. Who is missing is said
(`_meta` of lists), never hidden by an error that would hide the others too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from dataplane.mcp import tokens
from dataplane.mcp.message import Members, encode, items, members, text, value
from dataplane.mcp.names import Member, Roster

LISTS = {
    "tools/list": ("tools", "name"),
    "prompts/list": ("prompts", "name"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
}
"""Methods that list: where the entries are, and by what they are told apart."""
CAPABILITY = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resources",
}
"""What a server must be able to, to be asked."""
UNAVAILABLE = "io.outrider/unavailable"
"""Key of `_meta`: servers that are missing in a list, and why."""
ABOUT = {"name": "outrider", "version": "1"}
"""Who we say we are where several servers are one."""
FEDERATED = ("tools", "prompts", "resources", "completions", "logging")
"""What several servers can do as one; tasks and experiments are a single server's."""
GUESSED = ("tools", "prompts", "resources")
"""What a server may be able to that nobody has reached yet: its lists are empty until then."""


def is_plain(member: Member, method: str) -> bool:
    """Whether a server's list is the client's as it is."""
    if member.prefix:
        return method not in ("tools/list", "prompts/list")
    return method != "tools/list" or not (member.server.allow or member.server.deny)


def own_list(roster: Roster, member: Member, method: str, result: Members) -> Members:
    """What clients see of one server's list, with everything else that its answer says."""
    where, key = LISTS[method]
    shown = [
        item
        for entry in items(result.get(where))
        if (item := _shown(roster, member, method, key, entry)) is not None
    ]
    return {**result, where: Raw(encode(shown))}


def one_list(
    roster: Roster,
    method: str,
    answers: Sequence[tuple[Member, Members]],
    missing: Mapping[str, str],
) -> dict[str, Any]:
    """The pages of several servers as one page; what two have under one name is the first's."""
    where, key = LISTS[method]
    entries: dict[str, Raw] = {}
    further: dict[str, str] = {}
    for member, result in answers:
        for entry in items(own_list(roster, member, method, result).get(where)):
            entries.setdefault(text(members(entry).get(key)), entry)
        cursor = text(result.get("nextCursor"))
        if cursor:
            further[member.id] = cursor
    made: dict[str, Any] = {where: list(entries.values())}
    if further:
        made["nextCursor"] = tokens.cursor(further)
    if missing:
        made["_meta"] = {UNAVAILABLE: missing}
    return made


def capabilities(answers: Sequence[Members], is_partial: bool) -> dict[str, Any]:
    """What several servers can do together, by their answers to `initialize`."""
    made: dict[str, Any] = {name: {} for name in GUESSED} if is_partial else {}
    for told in answers:
        for name, raw in members(told.get("capabilities")).items():
            if name in FEDERATED:
                can = value(raw)
                made.setdefault(name, {})
                if isinstance(can, dict):
                    made[name] |= {key: flag for key, flag in can.items() if flag}
    if is_partial:
        for name in GUESSED:
            made[name]["listChanged"] = True
    return made


def instructions(answers: Sequence[tuple[Member, Members]]) -> str:
    """What all of them say about themselves, with whose names it is about."""
    parts = []
    for member, told in answers:
        words = text(told.get("instructions"))
        if words:
            head = f"{member.prefix}*" if member.prefix else member.id
            parts.append(f"{head}: {words}")
    return "\n\n".join(parts)


def _shown(roster: Roster, member: Member, method: str, key: str, entry: Raw) -> Raw | None:
    if method not in ("tools/list", "prompts/list"):
        return entry
    found = members(entry)
    name = text(found.get(key))
    if method == "tools/list" and not member.offers(name):
        return None
    told = roster.shown(member, name)
    if told is None:
        return None
    return entry if told == name else Raw(encode({**found, key: told}))
