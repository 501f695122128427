"""What the researchers of all frameworks look up: a tool is a function, wherever it is used."""

import json
from pathlib import Path

FACTS: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text())


def look_up(city: str) -> str:
    """What is known of a city."""
    return FACTS.get(city, f"Nothing is known of {city!r}.")
