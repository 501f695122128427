"""What the control plane must know of a kind of filter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from controlplane.config.fields import Block
from controlplane.config.problem import Path


class Address(Enum):
    """Whether a kind of filter is, or asks, a service: `url` or `endpoints`."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """One value of `filters[].type`."""

    config: type[Block]
    """The keys of its `config`. Its docstring is the first sentence of the reference."""
    address: Address = Address.NONE
    blocks: Mapping[Path, type[Block]] = field(default_factory=dict)
    """The blocks within `config` ("*" is any index or name)."""
    inputs: bool = True
    """Whether it does anything as one of `input_filters`."""
    outputs: bool = True
    """Whether it does anything as one of `output_filters`."""
