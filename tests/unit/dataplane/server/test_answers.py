"""Heads of answers that we make: what a client is told was left out of its request."""

from dataplane.runtime.protocols import Protocol
from dataplane.server.answers import translated_head


def told(*names: str) -> str:
    head = translated_head(200, b"application/json", 2, (), names, Protocol.CHAT, b"r1").decode()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-1])
    return lines.get("x-outrider-dropped", "")


def test_names_of_what_was_dropped_are_listed() -> None:
    assert told() == ""
    assert told("seed", "messages[3]: audio") == "seed, messages[3]: audio"


def test_long_list_of_what_was_dropped_is_counted() -> None:
    names = [f"messages[{n}].content[0].cache_control" for n in range(500)]
    said = told(*names)
    first, _, rest = said.rpartition(" and ")
    assert len(said) <= 500
    assert first.split(", ") == names[: len(first.split(", "))]
    assert rest == f"{500 - len(first.split(', '))} more"


def test_name_that_a_client_made_up_breaks_no_header() -> None:
    said = told("a\r\nset-cookie: b=1", "x" * 5000, "søk", "last")
    assert said.startswith("a??set-cookie: b=1, xxx")
    assert said.endswith("..., s?k, last")
    assert len(said) <= 200
