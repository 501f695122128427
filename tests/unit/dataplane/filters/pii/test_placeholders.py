from dataplane.filters.pii.placeholders import Placeholders


def test_one_value_has_one_placeholder_however_it_is_written() -> None:
    made = Placeholders("")
    assert made.of("phone", "+49 30 1") == "[PHONE_1]"
    assert made.of("phone", "+49-30-1") == "[PHONE_1]"
    assert made.of("email", "Anna@B.example") == "[EMAIL_1]"
    assert made.of("email", "anna@b.example") == "[EMAIL_1]"
    assert made.of("email", "bert@b.example") == "[EMAIL_2]"
    assert made.pairs["[EMAIL_1]"] == "Anna@B.example"


def test_every_character_of_a_secret_counts() -> None:
    made = Placeholders("")
    assert made.of("secret", "abc-1") != made.of("secret", "ABC-1")


def test_what_stands_there_already_is_not_given_out() -> None:
    assert Placeholders("write [EMAIL_1] to").of("email", "a@b.example") == "[EMAIL_2]"


def test_kinds_are_named_without_values() -> None:
    made = Placeholders("")
    made.of("email", "a@b.example")
    made.of("card", "4111111111111111")
    assert made.kinds() == ["card", "email"]


def test_values_of_earlier_turns_keep_their_placeholders() -> None:
    made = Placeholders("", {"[EMAIL_1]": "anna@mail.example", "[NATIONAL_ID_1]": "123-45-6789"})
    assert made.of("email", "Anna@mail.example") == "[EMAIL_1]"
    assert made.of("national_id", "123456789") == "[NATIONAL_ID_1]"
    assert made.of("email", "bob@mail.example") == "[EMAIL_2]"
    assert made.pairs["[EMAIL_1]"] == "anna@mail.example"


def test_where_earlier_ones_are_not_known_new_ones_are_none_of_them() -> None:
    made = Placeholders("", series="AB12CD")
    assert made.of("email", "bob@mail.example") == "[EMAIL_AB12CD_1]"
    later = Placeholders("", made.pairs, "AB12CD")
    assert later.of("email", "bob@mail.example") == "[EMAIL_AB12CD_1]"
    assert later.of("email", "eve@mail.example") == "[EMAIL_AB12CD_2]"
