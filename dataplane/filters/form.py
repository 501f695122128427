"""How the events of an answer are written."""

import msgspec

from dataplane.llm.framing import Framing
from dataplane.runtime.protocols import Operation


class Form(msgspec.Struct, frozen=True):  # (one is made per answer)
    """How the events of one answer are written."""

    operation: Operation = Operation.CHAT
    """Its `protocol` says whose events they are."""
    framing: Framing = Framing.SSE
