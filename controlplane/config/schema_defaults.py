"""What an operator writes once for all: an entry's own block is laid over it, key by key."""

from controlplane.config.fields import Block
from controlplane.config.schema_retry import Retry


class Defaults(Block):
    """The blocks that entries begin from."""

    retry: Retry | None = None
    """How hard requests are tried."""
