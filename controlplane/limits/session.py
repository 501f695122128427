"""One worker's lease on all that it holds: while it is heard of, and a little longer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controlplane.limits.account import Account


class Session:
    """Known by its identity; its holder may have had others before."""

    __slots__ = ("accounts", "expires_at", "holder", "incarnation", "live")

    def __init__(self, holder: str, incarnation: str, expires_at: float) -> None:
        self.holder = holder
        """The worker's node id."""
        self.incarnation = incarnation
        """Tells processes of one worker apart."""
        self.expires_at = expires_at
        self.accounts: dict[Account, None] = {}
        """Of which it has or wants something."""
        self.live = True
        """Whether it can be spoken to."""
