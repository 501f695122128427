"""`type: python`."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Kind

CLASS = r"^[A-Za-z_][A-Za-z0-9_.]{0,200}:[A-Za-z_][A-Za-z0-9_]{0,100}$"


class PythonConfig(Block):
    """A class of yours, in a package that is installed with the data plane."""

    path: Annotated[str, StringConstraints(pattern=CLASS), Field(alias="class")]
    """Where it is: `package.module:Class`."""
    settings: Annotated[dict[str, Any], Field(max_length=1000)] = Field(default_factory=dict)
    """What it is made with; whatever it wants."""


KIND = Kind(PythonConfig)
