"""How many examples a property is tried with that has a number of its own.

The rule: `make test` tries a part of them, `make test-all` all: the profiles of tests/conftest.py.
"""

from hypothesis import settings

_USUALLY = 100
"""Hypothesis's own default, and what the profile `thorough` has."""


def share_of(number: int) -> int:
    """As large a part of a number as the profile tries of the usual one."""
    return number * settings().max_examples // _USUALLY
