"""Whole answers that are stopped."""

from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.answer import Answer, Finish
from dataplane.llm.texts.closing import closed, silenced
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import GENERATION_OF
from tests.support.llm_golden import Case, cases

WHOLE = [case for case in cases("answer") if case.path.stem in ("text", "plain")]
STOPPED = (Finish.CONTENT_FILTER, Finish.REFUSAL)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_it_ends_as_one_that_a_content_filter_stopped(case: Case) -> None:
    operation = GENERATION_OF[case.protocol]
    json: Any = msgspec.json.decode(case.path.read_bytes())
    made = closed(operation, silenced(operation, json))
    answer = CODECS[case.protocol].read_answer(msgspec.json.encode(made))
    assert isinstance(answer, Answer)
    assert answer.choices[0].finish in STOPPED
    assert all(getattr(part, "text", "") == "" for part in answer.choices[0].parts)
