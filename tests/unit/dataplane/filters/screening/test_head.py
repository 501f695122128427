from dataplane.filters.screening.head import Likeness
from dataplane.filters.screening.score import NOTHING, Score

LIKENESS = Likeness()


def test_without_an_encoder_the_signs_are_all_there_is() -> None:
    found = Score(0.3, ("devices",))
    assert LIKENESS.added(found, None) is found


def test_what_the_encoder_knows_nothing_of_changes_nothing() -> None:
    assert LIKENESS.added(NOTHING, [0.0] * 384) is NOTHING


def test_likeness_adds_to_the_signs() -> None:
    along = LIKENESS._weights
    found = LIKENESS.added(Score(0.3, ("devices",)), [w * 10 for w in along])
    assert found.value > 0.9
    assert found.signs == ("devices", "likeness")
