"""What a session remembers: which model it has, and what that has cost so far.

Rule: a binding that cannot be read is none. Another version of this file may have written it, and
forgetting a session costs less than failing its next turn.
"""

import msgspec

CACHE_S = 300.0
"""How long providers keep a prompt in their cache without use: five minutes, said or observed."""
MAX_VISITS = 8


class Visit(msgspec.Struct, frozen=True):
    """A model that the session has used before."""

    model: str
    last_used: float
    cached_tokens: int = 0


class Binding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session's model. Times are seconds of a clock that all workers share, money is dollars."""

    anchor_model: str
    """What the session uses: a word clients could ask for."""
    requested_model: str = ""
    """What the client asks for."""
    default_model: str = ""
    """What the session would have used without any switch."""
    route_name: str = ""
    """The preference that chose the anchor."""
    prefix_hash: str = ""
    last_used: float = 0.0
    cached_tokens: int = 0
    """Input tokens of the last turn, as the provider counted them."""
    baseline_usd: float = 0.0
    switch_spend_usd: float = 0.0
    switches: int = 0
    history: tuple[Visit, ...] = ()
    """Models it has left, the latest last."""
    session_cost_usd: float = 0.0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Binding)


def encode(binding: Binding) -> bytes:
    """As a store keeps it."""
    return _ENCODER.encode(binding)


def decode(data: bytes | None) -> Binding | None:
    """What a store kept; None when it is nothing we know."""
    if data is None:
        return None
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError):
        return None


def idle(binding: Binding, now: float) -> float:
    """Seconds since the last turn; clocks of several machines may differ a little."""
    return max(0.0, now - binding.last_used)


def is_cached(binding: Binding, now: float, prefix_hash: str) -> bool:
    """Whether the anchor's provider should still have the prompt in its cache."""
    return idle(binding, now) <= CACHE_S and binding.prefix_hash == prefix_hash


def moved(binding: Binding, model: str, route: str, now: float) -> Binding:
    """The session goes on with a model; the one it leaves is remembered."""
    if model == binding.anchor_model:
        return msgspec.structs.replace(binding, route_name=route, last_used=now)
    left = Visit(binding.anchor_model, binding.last_used, binding.cached_tokens)
    others = [one for one in binding.history if one.model not in (left.model, model)]
    return msgspec.structs.replace(
        binding,
        anchor_model=model,
        route_name=route,
        last_used=now,
        cached_tokens=0,
        history=(*others, left)[-MAX_VISITS:],
    )


def answered(binding: Binding, input_tokens: int, cost_usd: float, now: float) -> Binding:
    """The anchor has answered a turn."""
    return msgspec.structs.replace(
        binding,
        last_used=now,
        cached_tokens=input_tokens or binding.cached_tokens,
        session_cost_usd=binding.session_cost_usd + cost_usd,
    )
