"""`type: http`."""

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Address, Kind


class HttpConfig(Block):
    """A service that is POSTed each request, at its `url` and the request's path."""


KIND = Kind(HttpConfig, Address.REQUIRED, outputs=False)
