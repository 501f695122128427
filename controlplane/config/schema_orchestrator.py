"""What an operator writes about who chooses among the agents of a listener.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.fields import Block, Duration, ModelName


class Orchestrator(Block):
    """Who chooses among the agents of a listener."""

    type: Literal["embedded", "model", "cascade"] = "embedded"
    """`embedded`: the router in the data plane. `model`: a model; the embedded router where it
    fails. `cascade`: the embedded router where it is sure, else the model."""
    model: ModelName | None = None
    """`model`, `cascade`: a model of `model_providers`, or the one of `overrides`."""
    prompt: Literal["plano", "generic"] | None = None
    """`plano`: as the weights of Plano-Orchestrator are trained to be asked; the default for
    models with that name. `generic`: instructions and a JSON schema, for any other model."""
    timeout: Duration | None = None
    """How long the model may take, 10 s without it, and the embedded router, 2 s without it."""
    context_length: Annotated[int, Field(ge=256, le=10_000_000)] | None = None
    """How much the model is shown, in tokens; older messages are left out."""
    ask_below: Annotated[float, Field(ge=0.0, le=1.0)] = 0.8
    """`cascade`: how sure the embedded router must be, 0 to 1, else the model is asked."""
