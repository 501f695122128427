"""What agents are, and how they are spoken to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dataplane.runtime.auth import Jwks
from dataplane.runtime.retry import Changes


class AgentProtocol(Enum):
    """What an agent speaks."""

    CHAT = "chat"
    RESPONSES = "responses"
    MESSAGES = "messages"
    A2A = "a2a"
    """Agent2Agent, 1.0 or 0.3: its card says which."""
    MCP = "mcp"
    """A tool of a Model Context Protocol server, of either generation."""


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """One of several programs that do an agent's task."""

    name: str
    cluster: str
    path_prefix: str = ""
    weight: int = 1
    """Its share of new conversations; 0: it gets none and keeps those it has."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """Requests are sent to another version, too; its answers reach nobody."""

    version: str
    percent: float = 100.0
    max_concurrent: int = 16
    """In each worker."""
    timeout_s: float = 60.0
    answers_file: str = ""
    """Where answers are kept, on the data plane's machine; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An HTTP service that does a task. Whoever asks it says it in chat; wires translate."""

    id: str
    cluster: str
    path_prefix: str = ""
    """Put before the path of its protocol ("/v1/chat/completions")."""
    retry: Changes = ()
    """Laid over that of the route (retry.laid_over)."""
    protocol: AgentProtocol = AgentProtocol.CHAT
    drop_untranslatable: bool = False
    """What its protocol cannot say is left out; else it is refused."""
    versions: tuple[AgentVersion, ...] = ()
    """None: the agent is what `cluster` leads to."""
    shadow: Shadow | None = None
    version: str = ""
    """Which of its versions this is, once one was chosen (agents/versions.py)."""
    tool: str = ""
    """Of MCP: which tool it is; empty: the only one that its server has."""
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Of MCP: what the tool is called with (agents/mcp/tool.py); empty: its one message."""

    card_keys: Jwks | None = None
    """Of A2A: who must have signed its card; None: nobody."""

    @property
    def label(self) -> str:
        """What logs and traces call it: `billing`, or `billing@v2`."""
        return f"{self.id}@{self.version}" if self.version else self.id
