"""The tool that an agent is, by what its server says of its tools.

Rule: what the operator has written decides. What is left out is read from the tool itself, and
where that leaves a doubt the agent is not asked: a guess would ask something else than the client.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dataplane.agents.a2a.values import Json, mapping, objects, strings, text
from dataplane.agents.described import Unknown
from dataplane.mcp.session import Peer
from dataplane.runtime.agents import Agent

MESSAGE, CONVERSATION, MESSAGES = "{message}", "{conversation}", "{messages}"
"""Words of the operator's arguments (controlplane/config/schema_mcp.py)."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
USUAL = ("message", "query", "question", "prompt", "input", "text", "task", "request")
"""What the argument that takes a question is called, the likelier first."""


@dataclass(frozen=True, slots=True)
class Tool:
    """An agent's tool, as it is called."""

    name: str
    about: str
    """Its own description, else its title or name."""
    arguments: Json
    """With the words above where the conversation goes."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Arguments that are repeated in headers of this name (`x-mcp-header`, 2026-07-28)."""
    peer: Peer = field(default=Peer(""), compare=False)
    """How its server is spoken to; with a session it was asked in another one, which is over."""

    def told(self) -> str:
        """See Described."""
        return self.about

    def examples(self) -> tuple[str, ...]:
        """See Described. Tools have none."""
        return ()


def tool_of(agent: Agent, listed: Sequence[Json], peer: Peer) -> Tool | Unknown:
    """The agent's tool among those of its server, or why it is none of them."""
    names = [text(one.get("name")) for one in listed]
    if agent.tool:
        found = [one for one in listed if one.get("name") == agent.tool]
        if not found:
            return Unknown(f"its server has no tool {agent.tool!r}; it has {_some(names)}")
    elif len(listed) != 1:
        told = f"its server has {_some(names)}; say which one it is with 'tool'"
        return Unknown(told if listed else "its server has no tools")
    else:
        found = list(listed)
    one = found[0]
    schema = mapping(one.get("inputSchema"))
    arguments = mapping(agent.arguments) or _default(schema)
    name = text(one.get("name"))
    if arguments is None:
        told = f"none of the arguments of its tool {name!r} is clearly the one that takes a message"
        return Unknown(f"{told}; write 'arguments'")
    missing = [key for key in strings(schema.get("required")) if key not in arguments]
    if missing:
        return Unknown(f"its tool {name!r} must have {_some(missing)}, too; write 'arguments'")
    about = text(one.get("description")) or text(one.get("title")) or name
    return Tool(name, about, arguments, _headers(schema), peer)


def _default(schema: Json) -> Json | None:
    """The one argument that takes all of the conversation; None: nobody can tell which."""
    texts = [key for key, one in mapping(schema.get("properties")).items() if _takes_text(one)]
    required = [key for key in strings(schema.get("required")) if key in texts]
    if len(required) == 1:
        return {required[0]: CONVERSATION}
    for some in (required, texts):
        usual = next((name for name in USUAL if name in some), None)
        if usual is not None:
            return {usual: CONVERSATION}
    return {texts[0]: CONVERSATION} if len(texts) == 1 else None


def _takes_text(schema: object) -> bool:
    """Whether a property may be any string."""
    found = mapping(schema)
    if "enum" in found or "const" in found:
        return False
    kind = found.get("type")
    if kind == "string" or (isinstance(kind, list) and "string" in kind):
        return True
    return any(_takes_text(one) for one in objects(found.get("anyOf")))


def _headers(schema: Json) -> dict[str, str]:
    return {
        key: header
        for key, one in mapping(schema.get("properties")).items()
        if _TOKEN.fullmatch(header := text(mapping(one).get("x-mcp-header")))
    }


def _some(names: Sequence[str]) -> str:
    told = ", ".join(repr(name[:64]) for name in names[:5])
    return f"{told} and {len(names) - 5} more" if len(names) > 5 else told
