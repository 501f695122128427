"""The flights agent: a timetable in this file, and the rental desk next to it.

It reads the whole conversation: where a turn names no city the last one spoken of is meant, and
when another agent has just told of bad weather, it says so beside the flight.
"""

import re

from deploy.examples.travel.agents.places import cities_in, departure_in
from deploy.running.chat import Message, at_once, last_question, serve

HOME = "Zurich"
# Destination from home: flight, departure, arrival, euros. The way back leaves 70 minutes after.
TIMETABLE: dict[str, tuple[tuple[str, str, str, int], ...]] = {
    "Lisbon": (("LX 2084", "07:10", "09:05", 139), ("TP 929", "17:45", "19:35", 98)),
    "Oslo": (("LX 1212", "09:40", "12:05", 174), ("SK 4612", "18:20", "20:45", 151)),
    "Rome": (("LX 1726", "07:05", "08:35", 88), ("AZ 573", "19:20", "20:50", 79)),
    "Athens": (("LX 1830", "12:35", "16:10", 162), ("A3 853", "19:05", "22:40", 121)),
    "London": (("LX 316", "07:00", "07:50", 119), ("BA 717", "15:55", "16:45", 105)),
    "Paris": (("LX 632", "07:15", "08:30", 109), ("AF 1115", "18:10", "19:25", 92)),
    "Vienna": (("LX 1574", "07:05", "08:25", 96), ("OS 568", "20:10", "21:30", 84)),
}
CARS = {
    "Lisbon": 31,
    "Oslo": 58,
    "Rome": 36,
    "Athens": 33,
    "London": 49,
    "Paris": 47,
    "Vienna": 41,
    HOME: 62,
}
_CAR = re.compile(r"\b(rent\w*|hire|car|cars)\b", re.IGNORECASE)
_WARNING = re.compile(r"\b(storm|snow)\b", re.IGNORECASE)


def answer(messages: list[Message]) -> str:
    """Flights, or a rental car, for the cities of the last question that names some."""
    question = last_question(messages)
    said = next((m.text for m in reversed(messages) if cities_in(m.text)), "")
    cities = cities_in(question) or cities_in(said)[-1:]
    if not cities:
        return (
            "Hello! I find flights from Zurich and back, and rental cars. Where do you want to go?"
        )
    if _CAR.search(question):
        return " ".join(f"A small car in {city} is {CARS[city]} euros a day." for city in cities)
    origin = departure_in(question) or HOME
    there = [city for city in cities if city != origin] or [HOME]
    return " ".join(_flights(origin, city) for city in there) + _warning(messages)


def _flights(origin: str, destination: str) -> str:
    if HOME not in (origin, destination):
        return (
            f"There is no direct flight from {origin} to {destination}; every route goes by {HOME}."
        )
    away = destination if origin == HOME else origin
    if away == HOME:
        return f"You are in {HOME} already."
    rows = TIMETABLE[away] if origin == HOME else tuple(_back(row) for row in TIMETABLE[away])
    offers = " or ".join(
        f"{number} at {leaves} (arrives {lands}) for {price} euros"
        for number, leaves, lands, price in rows
    )
    return f"{origin} to {destination}: {offers}."


def _back(row: tuple[str, str, str, int]) -> tuple[str, str, str, int]:
    number, leaves, lands, price = row
    flown = _minutes(lands) - _minutes(leaves)
    start = _minutes(lands) + 70
    return number, _clock(start), _clock(start + flown), price


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _warning(messages: list[Message]) -> str:
    """What another agent said before us in this exchange, when it matters to a traveller."""
    told = next((m.text for m in reversed(messages) if m.agent not in ("", "flights")), "")
    found = _WARNING.search(told)
    return f" Mind the {found.group().lower()} my colleague told you of." if found else ""


if __name__ == "__main__":
    serve("flights", at_once(answer), port=12011)
