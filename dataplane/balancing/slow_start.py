"""How much of its weight an endpoint has that is new, or back after an ejection or an illness.

Envoy's formula with an aggression of 1: the share grows evenly over the window, from a minimum on.
"""


def share(weight: float, since: float, now: float, window_s: float, min_percent: float) -> float:
    """The weight that counts at `now`; `since` is when the endpoint was new."""
    if window_s <= 0.0:
        return weight
    grown = (now - since) / window_s
    if grown >= 1.0:
        return weight
    return weight * max(grown, min_percent / 100.0, 0.01)
