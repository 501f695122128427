"""`type: screening`."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.fields import Block, Text
from controlplane.config.filters.kind import Kind


class ScreeningConfig(Block):
    """Screens the user's last turn, and what tools have answered since, for prompt injection."""

    action: Literal["refuse", "flag"] = "refuse"
    """`refuse`: 400. `flag`: the request goes on; `x-outrider-flagged` of the answer says so."""
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """How sure it must be, 0 to 1."""
    encoder: bool = True
    """Whether the embedded encoder is asked, too: 4 ms for each text."""
    tools: bool = True
    """Whether what tools answer is screened."""
    message: Text | None = None
    """What a refused client is told."""


KIND = Kind(ScreeningConfig)
