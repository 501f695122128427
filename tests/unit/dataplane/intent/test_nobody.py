"""The agent that is not there."""

from dataplane.intent.nobody import NOBODY
from dataplane.intent.units import phrasings


def test_its_requests_are_read_as_said() -> None:
    # "Please hi" would be no way to say hi; each costs the index one reading.
    said = [unit for unit in NOBODY.units if not unit.startswith("I ")]
    assert all(phrasings(NOBODY, unit) == (unit,) for unit in said)
