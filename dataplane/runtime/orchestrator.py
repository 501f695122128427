"""Who chooses among a listener's agents, and how a model is asked to choose. Values only."""

from dataclasses import dataclass
from enum import Enum


class OrchestratorKind(Enum):
    """Who chooses. The values are the words of the config."""

    EMBEDDED = "embedded"
    """The router in this process."""
    MODEL = "model"
    """A model behind an API; the embedded router where it fails."""
    CASCADE = "cascade"
    """The embedded router where it is sure, a model where it is not."""


class PromptForm(Enum):
    """How a model is asked. The values are the words of the config."""

    PLANO = "plano"
    """As the weights of Plano-Orchestrator were trained to be."""
    GENERIC = "generic"
    """Instructions and a schema for the answer, for any model that follows them."""


@dataclass(frozen=True, slots=True)
class RoutingModel:
    """A model that chooses."""

    provider: str
    """Name of the ModelProvider."""
    form: PromptForm = PromptForm.GENERIC
    context_tokens: int = 8192
    """How much it is shown, instructions and descriptions included."""
    timeout_s: float = 10.0
    """How long it may take."""


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """Who chooses among the agents of one listener."""

    kind: OrchestratorKind = OrchestratorKind.EMBEDDED
    model: RoutingModel | None = None
    """Always there but with EMBEDDED."""
    ask_below: float = 0.8
    """CASCADE: the model is asked when the embedded router is less sure than this, 0 to 1."""
    embedded_timeout_s: float = 2.0
    """How long the embedded router may take: its turn may come late on a busy machine."""
