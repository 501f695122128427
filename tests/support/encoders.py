"""The router's encoder, loaded once for all workers of the tests of one process."""

from functools import cache

from dataplane.intent.encoder import Encoder
from dataplane.server.deciding import Making


class SharedMaking(Making):
    """To load it takes 0.3 s of CPU, and hundreds of tests have workers of their own. Without the
    second encoder: that would come to a later test early."""

    def __init__(self) -> None:
        super().__init__(encoders=1)

    def load(self) -> Encoder | None:
        """See Making."""
        return _loaded()


@cache
def _loaded() -> Encoder | None:
    return Making(encoders=1).load()
