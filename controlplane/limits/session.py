"""One worker's lease on all that it holds: while it is heard of, and a little longer."""


class Session:
    """Known by its identity; its holder may have had others before."""

    __slots__ = ("expires_at", "holder", "incarnation", "live")

    def __init__(self, holder: str, incarnation: str, expires_at: float) -> None:
        self.holder = holder
        """The worker's node id."""
        self.incarnation = incarnation
        """Tells processes of one worker apart."""
        self.expires_at = expires_at
        self.live = True
        """Whether it can be spoken to."""
