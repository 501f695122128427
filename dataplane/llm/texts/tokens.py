"""Probabilities of tokens: the words of an answer once more, piece by piece."""

from typing import Any

_NAMES = ("logprobs", "logprobsResult")


def drop_tokens(value: Any) -> None:
    """Take them away, wherever they are in an event: they are not true of changed words."""
    if isinstance(value, list):
        for one in value:
            drop_tokens(one)
    elif isinstance(value, dict):
        for name in _NAMES:
            if isinstance(value.get(name), list):
                value[name] = []  # (where SDKs want a list)
            else:
                value.pop(name, None)
        for one in value.values():
            drop_tokens(one)
