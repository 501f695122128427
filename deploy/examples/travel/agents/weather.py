"""The weather agent: five days for eight cities, read from a table in this file.

A follow-up ("and tomorrow?") names no city: the last one spoken of is meant.
"""

import re

from deploy.examples.travel.agents.places import CITIES, cities_in, departure_in
from deploy.running.chat import Message, at_once, last_question, serve

# What the sky does, the high and the low in degrees Celsius: today and the four days after it.
FORECAST: dict[str, tuple[tuple[str, int, int], ...]] = {
    "Zurich": (
        ("rain", 9, 4),
        ("snow", 1, -3),
        ("snow", 0, -5),
        ("clear", 3, -6),
        ("cloud", 5, -1),
    ),
    "Lisbon": (
        ("sun", 21, 13),
        ("rain", 17, 12),
        ("storm", 16, 11),
        ("sun", 19, 12),
        ("sun", 22, 13),
    ),
    "Oslo": (
        ("snow", -2, -8),
        ("snow", -4, -9),
        ("clear", -6, -12),
        ("cloud", -1, -5),
        ("snow", 0, -3),
    ),
    "Rome": (("sun", 18, 9), ("sun", 19, 9), ("cloud", 17, 10), ("rain", 15, 9), ("sun", 17, 8)),
    "Athens": (
        ("sun", 20, 12),
        ("cloud", 18, 12),
        ("sun", 20, 11),
        ("sun", 21, 12),
        ("storm", 16, 11),
    ),
    "London": (("rain", 11, 7), ("rain", 12, 8), ("cloud", 10, 6), ("rain", 11, 7), ("sun", 12, 4)),
    "Paris": (("cloud", 12, 6), ("sun", 14, 5), ("rain", 11, 7), ("rain", 10, 6), ("cloud", 11, 5)),
    "Vienna": (("clear", 6, -2), ("cloud", 5, 0), ("snow", 1, -2), ("snow", 0, -4), ("sun", 4, -5)),
}
SKY = {
    "rain": ("rain", "Take an umbrella."),
    "snow": ("snow", "Wear boots and a warm coat."),
    "storm": ("a storm from the sea", "Stay away from the coast."),
    "sun": ("sunshine", "Sun cream will do."),
    "cloud": ("clouds but dry", "A jacket is enough."),
    "clear": ("a clear, cold sky", "Wear a warm coat."),
}
DAYS = ("today", "tomorrow", "the day after tomorrow", "in three days", "in four days")
_LATER = re.compile(
    r"\bday after tomorrow\b|\bin (two|three|four) days\b|\btomorrow\b", re.IGNORECASE
)


def answer(messages: list[Message]) -> str:
    """The forecast asked for last; where it names no city, the city of an earlier turn."""
    question = last_question(messages)
    named = cities_in(question)
    if not named:
        earlier = (cities_in(m.text) for m in reversed(messages))
        named = next((cities[-1:] for cities in earlier if cities), [])
    if not named:
        return (
            "Hello! I am the weather desk. I have forecasts for "
            + ", ".join(CITIES[:-1])
            + f" and {CITIES[-1]}; "
            "just name a city and a day. My colleague finds flights."
        )
    # In "to Lisbon from Zurich" the weather at home is not the question.
    there = [city for city in named if city != departure_in(question)] or named
    day = _day(question)
    return " ".join(_forecast(city, day) for city in there)


def _day(question: str) -> int:
    found = _LATER.search(question)
    if not found:
        return 0
    return {"tomorrow": 1, "in three days": 3, "in four days": 4}.get(found.group().lower(), 2)


def _forecast(city: str, day: int) -> str:
    sky, high, low = FORECAST[city][day]
    what, advice = SKY[sky]
    return f"{city} {DAYS[day]}: {what}, {low} to {high} °C. {advice}"


if __name__ == "__main__":
    serve("weather", at_once(answer), port=12010)
