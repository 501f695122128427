"""What goes on to the client of an answer that passes filters."""

import msgspec

from dataplane.filters.api import Cut, Head
from dataplane.runtime.messages import LocalReply


class Out(msgspec.Struct, frozen=True):
    """What goes on after a piece has passed."""

    head: Head | None = None
    """Set once, with the first data or with the end."""
    data: bytes = b""
    ending: Cut | LocalReply | None = None
    """A filter has ended the answer."""
    is_whole: bool = False
    """Whether `data` is all of the body."""


NOTHING = Out()
