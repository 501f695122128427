"""What the researchers of all frameworks look up: a tool is a function, wherever it is used."""

FACTS = {
    "Genoa": "Genoa has had the Lanterna since 1543, at 77 metres the tallest lighthouse of Italy.",
    "Bergen": "Bergen has rain on some 200 days of the year, and seven mountains around it.",
}


def look_up(city: str) -> str:
    """What is known of a city."""
    return FACTS.get(city, f"Nothing is known of {city!r}.")
