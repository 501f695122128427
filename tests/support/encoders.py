"""The router's encoders, loaded once for all tests of one process.

The rule: when they are asked for, never while tests are collected. onnxruntime starts a thread
when it is imported, and a fork (tests/support/forks.py) would wait for that thread at its end.
"""

from functools import cache

from dataplane.intent.embed import Encoders, load_encoder
from dataplane.intent.encoder import Encoder
from dataplane.server.deciding import Making


class SharedMaking(Making):
    """To load it takes 0.3 s of CPU, and hundreds of tests have workers of their own. Without the
    second encoder: that would come to a later test early."""

    def __init__(self) -> None:
        super().__init__(encoders=1)

    def load(self) -> Encoder | None:
        """See Making."""
        return first_encoder()


@cache
def first_encoder() -> Encoders | None:
    """MiniLM alone; None without the router extra."""
    return load_encoder(second=False)


@cache
def both_encoders() -> Encoders | None:
    """And USE beside it."""
    return load_encoder()
