"""What an operator writes once for all: an entry's own block is laid over it, key by key."""

from controlplane.config.schema_clusters import ClusterKeys
from controlplane.config.schema_retry import Retry


class Defaults(ClusterKeys):
    """The blocks that entries begin from."""

    retry: Retry | None = None
    """How hard requests are tried."""
