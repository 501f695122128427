from dataplane.filters.api import AnswerFilter, Context, Filter, Head
from dataplane.filters.stage import Stage, stages
from dataplane.runtime import config
from dataplane.runtime.messages import Request


def test_only_who_has_something_to_do_is_asked() -> None:
    class Sometimes(Filter):
        wants_answers = True

        def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
            return AnswerFilter() if context.stream else None

    chain = [Filter(config.Filter("a")), Sometimes(config.Filter("b"))]
    request = Request("POST", "/")
    assert stages(chain, request, Context()) == []
    assert [stage.id for stage in stages(chain, request, Context(stream=True))] == ["b"]


def test_all_of_the_head_is_for_those_who_look_at_it_or_add_to_it() -> None:
    class Looking(AnswerFilter):
        def on_head(self, head: Head) -> Head:
            return head

    class Adding(AnswerFilter):
        adds_headers = True

    one = Filter(config.Filter("f"))
    assert Stage(one, Looking()).hears_head
    assert Stage(one, Adding()).hears_head
    assert not Stage(one, AnswerFilter()).hears_head
