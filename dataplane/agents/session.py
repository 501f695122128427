"""What is remembered of a conversation with agents, from one turn to the next.

Rule: a session that cannot be read is none. Another version of this file may have written it, and
whatever it says can be worked out again.
"""

import msgspec


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A conversation's. Times are seconds of a clock that all workers share."""

    agents: tuple[str, ...] = ()
    """Who answered the last turn, in order: the last of them has the conversation."""
    versions: dict[str, str] = {}
    """Of agents that have several, the one that it has."""
    turns: int = 0
    """That were answered."""
    tokens: int = 0
    """Input and output of all turns, as far as agents and models tell."""
    cost: int = 0
    """In units of 1/NANO US dollars (runtime/limits.py)."""
    last_used: float = 0.0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Session)


def encode(session: Session) -> bytes:
    """As a store keeps it."""
    return _ENCODER.encode(session)


def decode(data: bytes | None) -> Session:
    """What a store kept; an empty one when that is nothing we know."""
    if data is None:
        return Session()
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError):
        return Session()


def answered(
    session: Session,
    agents: tuple[str, ...],
    versions: dict[str, str],
    used: tuple[int, int],
    now: float,
) -> Session:
    """After one more turn.

    :param used: tokens and cost of the turn.
    """
    return Session(
        agents,
        session.versions | versions,
        session.turns + 1,
        session.tokens + used[0],
        session.cost + used[1],
        now,
    )
