"""`type: headers`."""

from typing import Annotated

from pydantic import Field, StringConstraints

from controlplane.config.fields import Block, Names
from controlplane.config.filters.kind import Kind

HEADER_NAME = r"^[A-Za-z0-9_-]{1,128}$"
HEADER_VALUE = r"^[ -~]{0,4096}$"

HeaderName = Annotated[str, StringConstraints(pattern=HEADER_NAME)]
HeaderValue = Annotated[str, StringConstraints(pattern=HEADER_VALUE)]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(max_length=100)]


class HeadersConfig(Block):
    """Sets and removes headers: of requests as an input filter, of answers as an output filter."""

    set: Headers = Field(default_factory=dict)
    """Headers and their values; they replace what is there under the same names."""
    remove: Names = ()
    """Names of headers that are taken away."""


KIND = Kind(HeadersConfig)
