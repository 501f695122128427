"""One filter of a chain, with one answer."""

from collections.abc import Iterable

from dataplane.filters.api import AnswerFilter, Context, Filter
from dataplane.runtime.messages import Request


class Stage:
    """One filter of the chain, with this answer."""

    __slots__ = ("answer", "hears_head", "id", "lets_pass")

    def __init__(self, one: Filter, answer: AnswerFilter) -> None:
        self.id = one.id
        self.lets_pass = one.lets_pass
        has_word = answer.wants_head and type(answer).on_head is not AnswerFilter.on_head
        self.hears_head = has_word or answer.adds_headers
        self.answer = answer


def stages(filters: Iterable[Filter], request: Request, context: Context) -> list[Stage]:
    """Those of a chain who want to see the answer to a request."""
    found = [(one, one.on_answer(request, context)) for one in filters if one.wants_answers]
    return [Stage(one, answer) for one, answer in found if answer is not None]
