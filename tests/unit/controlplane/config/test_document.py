"""YAML as we read it: core scalars, lines, merges."""

import pytest

from controlplane.config.document import read
from controlplane.config.problem import ConfigErrors

SCALARS = {
    "1": 1,
    "-7": -7,
    "0o17": 15,
    "0x1f": 31,
    "010": 10,
    "1.5": 1.5,
    "1e3": 1000.0,
    ".inf": float("inf"),
    "true": True,
    "False": False,
    "~": None,
    "": None,
    "null": None,
    "yes": "yes",
    "on": "on",
    "1_000": "1_000",
    "12:30": "12:30",
    "2026-01-02": "2026-01-02",
    "'1'": "1",
    '"true"': "true",
    "!!str 5": "5",
    "! 5": "5",
    "1.2.3": "1.2.3",
}


@pytest.mark.parametrize(("written", "value"), SCALARS.items(), ids=SCALARS)
def test_scalars_follow_the_core_schema(written: str, value: object) -> None:
    assert read(f"a: {written}\n", "f").plain() == {"a": value}


def test_keys_are_text() -> None:
    assert read("1: a\ntrue: b\n", "f").plain() == {"1": "a", "true": "b"}


def test_lines_are_those_of_keys_and_items() -> None:
    doc = read("a:\n  b:\n    - x\n    - c: 1\n      d: 2\n", "f")
    assert doc.line(("a",)) == 1
    assert doc.line(("a", "b")) == 2
    assert doc.line(("a", "b", 1)) == 4
    assert doc.line(("a", "b", 1, "d")) == 5


def test_line_of_what_is_not_there_is_that_of_what_would_hold_it() -> None:
    doc = read("x: 1\na:\n  b: 1\n", "f")
    assert doc.line(("a", "c")) == 2
    assert doc.line(("a", "b", 0, "c")) == 3


def test_merged_keys_yield_to_own_ones() -> None:
    text = "base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {b: 3, <<: [*base, {c: 4}]}\n"
    plain = read(text, "f").plain()
    assert isinstance(plain, dict)
    assert plain["one"] == {"a": 1, "b": 3}
    assert plain["two"] == {"a": 1, "b": 3, "c": 4}


def test_a_byte_order_mark_is_no_text() -> None:
    assert read("\ufeffa: 1", "f").plain() == {"a": 1}


def test_windows_line_ends_count_once() -> None:
    assert read("a: 1\r\nb: 2\r\n", "f").line(("b",)) == 2


def test_a_file_of_many_megabytes_is_refused_unread() -> None:
    with pytest.raises(ConfigErrors, match="larger than 8 MiB"):
        read("#" * (9 << 20), "f")


def test_many_duplicate_keys_are_all_told() -> None:
    assert len(read("a: 1\n" * 4, "f").problems) == 3
