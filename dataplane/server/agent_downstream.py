"""What the answers of agents never do, though a Downstream can."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dataplane.runtime.messages import Headers, Request

if TYPE_CHECKING:
    from dataplane.server.limits.charge import Charge


class AgentDownstream:
    """A part of Downstream, for those who take what agents say."""

    def relay(
        self,
        request: Request,
        models: Sequence[str] | None = None,
        keep: Callable[[bytes], None] | None = None,
        told: Headers = (),
        marks: int = 0,
    ) -> None:
        """See Downstream."""
        raise AssertionError("agents are not relayed to")

    def last(self) -> None:
        """See Downstream."""
        raise AssertionError("answers of agents have a timeout")

    def charged(self, charge: "Charge") -> None:
        """See Downstream."""
        raise AssertionError("runs settle what they take")
