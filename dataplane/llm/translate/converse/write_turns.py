"""Messages of the hub -> turns of the API.

Rule: user and assistant take turns; the results of a turn's tool calls stand together, before
anything else, in the one user message that follows it. Bedrock refuses what is in another order.
"""

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.converse.write_parts import Block, BlockWriter

Turn = tuple[str, list[Block]]
OPENING = "(The conversation begins here.)"
"""What the user says before an assistant who speaks first: Bedrock wants the user to begin."""


def write_turns(request: Request, writer: BlockWriter, losses: Losses) -> list[Block]:
    """[{"role", "content"}]. Instructions that come late are told by the user: few models take
    the role "system".
    """
    turns: list[Turn] = []
    for message in request.messages:
        blocks = writer.blocks(message.parts, message.at)
        if not blocks:
            continue
        role = message.role
        if role not in ("user", "assistant"):
            losses.hint("messages: late system message")
            role = "user"
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    if turns and turns[0][0] == "assistant":
        turns.insert(0, ("user", [{"text": OPENING}]))
    for role, blocks in turns:
        if role == "user":
            blocks[:] = _results_first(blocks)
    if turns and turns[-1][0] == "assistant":
        _trim(turns[-1][1][-1])
    return [{"role": role, "content": blocks} for role, blocks in turns]


def _results_first(blocks: list[Block]) -> list[Block]:
    """A cache point stays with the block it marks."""
    results: list[Block] = []
    others: list[Block] = []
    into = others
    for block in blocks:
        if "cachePoint" not in block:
            into = results if "toolResult" in block else others
        into.append(block)
    return results + others


def _trim(block: Block) -> None:
    """Anthropic refuses an answer begun for the model (prefill) that ends with a space."""
    if "text" in block:
        block["text"] = block["text"].rstrip()


def uses_tools(turns: list[Block]) -> bool:
    """Whether calls or their results are among the turns."""
    return any(
        "toolUse" in block or "toolResult" in block for turn in turns for block in turn["content"]
    )


def thinks_in_tool_turn(turns: list[Block]) -> bool:
    """Whether the last assistant turn may be continued with a thinking budget: with calls in it,
    it must begin with signed thinking.
    """
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    if last is None or not any("toolUse" in block for block in last["content"]):
        return True
    return "reasoningContent" in last["content"][0]
