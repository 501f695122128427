import pytest

from dataplane.llm.personal.recognise import KINDS, recogniser

FIND = recogniser(KINDS, {"case": r"CASE-\d+"}, ["US", "DE", "GB"])


def found(text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for start, end, kind in FIND(text, 0)]


THERE = {
    "an address": ("write to Anna.B+x@mail.example.org!", "email", "Anna.B+x@mail.example.org"),
    "an address of another script": ("an post@bücher.de, bitte", "email", "post@bücher.de"),
    "a card in groups": ("it is 4111 1111 1111 1111 22", "card", "4111 1111 1111 1111"),
    "a card with dashes": ("378282-246310-005", "card", "378282-246310-005"),
    "an account": ("to DE89 3704 0044 0532 0130 00 and so", "iban", "DE89 3704 0044 0532 0130 00"),
    "an account in one": ("gb82west12345698765432", "iban", "gb82west12345698765432"),
    "an IPv4 address": ("from 203.0.113.7.", "ip", "203.0.113.7"),
    "an IPv6 address": ("from 2001:db8::7 on", "ip", "2001:db8::7"),
    "a number from abroad": ("call +49 30 901820 now", "phone", "+49 30 901820"),
    "a number of home": ("call (202) 555-0143.", "phone", "(202) 555-0143"),
    "a number with a trunk zero": ("ruf 030 901820 an", "phone", "030 901820"),
    "an American's": ("ssn 536-22-8726", "national_id", "536-22-8726"),
    "an American's in one": ("My SSN is 536228726", "national_id", "536228726"),
    "a Briton's": ("NI number AB 12 34 56 C.", "national_id", "AB 12 34 56 C"),
    "a Spaniard's": ("DNI 54362315K", "national_id", "54362315K"),
    "an Italian's": ("cf RCCMNL83S18D969H", "national_id", "RCCMNL83S18D969H"),
    "a Brazilian's": ("CPF 390.533.447-05", "national_id", "390.533.447-05"),
    "a Dane's": ("cpr 211062-5629", "national_id", "211062-5629"),
    "a German's": ("Steuer-ID 36 574 261 809", "national_id", "36 574 261 809"),
    "a Dutchman's": ("BSN 111222333", "national_id", "111222333"),
    "a key of AWS": ("AKIAIOSFODNN7EXAMPLE", "secret", "AKIAIOSFODNN7EXAMPLE"),
    "a key of OpenAI": (f"use sk-proj-{'a1' * 20}, ok", "secret", f"sk-proj-{'a1' * 20}"),
    "a token of GitHub": (f"ghp_{'a1' * 18}", "secret", f"ghp_{'a1' * 18}"),
    "a password": ("password: hunter2hunter", "secret", "hunter2hunter"),
    "a password in quotes": ("{'api_key': 'abc123def456'}", "secret", "abc123def456"),
    "a password in an address": ("postgres://me:s3cret@db/x", "secret", "s3cret"),
    "a bearer's token": ("Authorization: Bearer abcd0123456789xyz", "secret", "abcd0123456789xyz"),
    "an operator's own": ("see CASE-12 today", "case", "CASE-12"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "value"), THERE.values(), ids=THERE.keys())
def test_it_is_found(text: str, kind: str, value: str) -> None:
    assert found(text) == [(kind, value)]


def test_a_private_key_is_found_whole_and_while_it_grows() -> None:
    begun = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc"
    assert found(begun) == [("secret", begun)]
    whole = f"{begun}\n-----END RSA PRIVATE KEY-----"
    assert found(f"x {whole} y") == [("secret", whole)]


NOT_THERE = {
    "a date and a sum": "on 2024-11-12 at 12:30 I paid 12345678.90",
    "a card that is none": "4111 1111 1111 1112",
    "zeros": "0000 0000 0000 0000",
    "an account that is none": "DE89 3704 0044 0532 0130 01",
    "a version": "v1.2.3.4 and 300.1.1.1",
    "this machine": "127.0.0.1 and ::1",
    "talk of secrets": "the password is required, the token: <your-token>",
    "nine digits": "111222333 things",
    "numbers": "3.14159265358979, 1,234,567,890 and order 20255501431234",
    "a handle": "@anna and a@b",
}


@pytest.mark.parametrize("text", NOT_THERE.values(), ids=NOT_THERE.keys())
def test_it_is_not_found(text: str) -> None:
    assert found(text) == []


def test_what_is_asked_for_is_all_that_is_found() -> None:
    find = recogniser(["email"], {})
    assert [kind for _, _, kind in find("a@b.example 4111 1111 1111 1111", 0)] == ["email"]


def test_of_two_claims_one_wins() -> None:
    assert found("https://x:anna@b.example/") == [("secret", "anna")]


def test_what_is_before_the_place_is_not_found_again() -> None:
    text = "a@b.example c@d.example"
    assert [text[start:end] for start, end, _ in FIND(text, 11)] == ["c@d.example"]
