"""Messages of the hub -> turns of the API.

Rule: user and assistant take turns; the results of a turn's tool calls stand together, before
anything else, in the one user message that follows it. The API refuses what is in another order.
"""

from typing import Final

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.messages.abilities import Abilities
from dataplane.llm.translate.messages.write_parts import Block, write_parts

_SYSTEM: Final = ("system", "developer")
OPENING: Final = "(The conversation begins here.)"
"""What the user says before an assistant who speaks first: the API wants the user to begin."""


def write_turns(request: Request, can: Abilities, losses: Losses, names: FlatNames) -> list[Block]:
    """[{"role", "content"}]. Instructions that come late keep their role where the model knows it,
    and are told by the user where it does not.
    """
    turns: list[tuple[str, list[Block]]] = []
    for message in request.messages:
        blocks = write_parts(message.parts, message.at, losses, names)
        if blocks:
            _add(turns, "system" if message.role in _SYSTEM else message.role, blocks)
    placed: list[tuple[str, list[Block]]] = []
    for number, (role, blocks) in enumerate(turns):
        if role == "system" and not (can.late_system and _may_stand(turns, number)):
            losses.hint("messages: late system message")
            role = "user"
        _add(placed, role, blocks)
    if placed and placed[0][0] == "assistant":
        placed.insert(0, ("user", [{"type": "text", "text": OPENING}]))
    for role, blocks in placed:
        if role == "user":
            blocks.sort(key=lambda block: block["type"] != "tool_result")
    if placed and placed[-1][0] == "assistant":
        _trim(placed[-1][1])
    return [{"role": role, "content": blocks} for role, blocks in placed]


def _add(turns: list[tuple[str, list[Block]]], role: str, blocks: list[Block]) -> None:
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(blocks)
    else:
        turns.append((role, list(blocks)))


def _may_stand(turns: list[tuple[str, list[Block]]], number: int) -> bool:
    before = turns[number - 1][0] if number else ""
    after = turns[number + 1][0] if number + 1 < len(turns) else "assistant"
    return before == "user" and after == "assistant"


def _trim(blocks: list[Block]) -> None:
    """The API refuses an answer begun for the model (prefill) that ends with a space."""
    last = blocks[-1]
    if last["type"] == "text":
        last["text"] = last["text"].rstrip()


def thinks_in_tool_turn(turns: list[Block]) -> bool:
    """Whether the last assistant turn may be continued with a thinking budget: with calls in it,
    it must begin with signed thinking.
    """
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    if last is None:
        return True
    kinds = [block["type"] for block in last["content"]]
    return "tool_use" not in kinds or kinds[0] in ("thinking", "redacted_thinking")
