"""The cities that the travel desk knows, and how to find them in what people write."""

import re

CITIES = ("Zurich", "Lisbon", "Oslo", "Rome", "Athens", "London", "Paris", "Vienna")
_SPELLINGS = {city.lower(): city for city in CITIES} | {
    "zürich": "Zurich",
    "lisboa": "Lisbon",
    "roma": "Rome",
    "wien": "Vienna",
}
_CITY = re.compile(r"\b(" + "|".join(_SPELLINGS) + r")\b", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+(" + "|".join(_SPELLINGS) + r")\b", re.IGNORECASE)


def cities_in(text: str) -> list[str]:
    """Every city named in a text, in order, each once."""
    return list(dict.fromkeys(_SPELLINGS[found.lower()] for found in _CITY.findall(text)))


def departure_in(text: str) -> str | None:
    """The city after "from"."""
    found = _FROM.search(text)
    return _SPELLINGS[found.group(1).lower()] if found else None
