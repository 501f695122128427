"""The flow of choosing a model, played."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dataplane.llm.hub.parts import Text, ToolResult
from dataplane.llm.hub.request import Message
from dataplane.llm.hub.request import Request as Asked
from dataplane.routing.binding import Binding, decode, encode
from dataplane.routing.preference import as_agents
from dataplane.runtime.choosing import (
    Budget,
    ModelRouting,
    Prefer,
    Preference,
    Price,
    PromptCaching,
    SessionRules,
)
from dataplane.runtime.config import Listener, ListenerKind, ModelTarget, Route, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import (
    CallFailed,
    DecideAmong,
    Effect,
    Recall,
    Recalled,
    Remember,
    Reply,
    Steps,
)
from dataplane.runtime.messages import Request, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.choosing import NOT_USER_TURN, OVER_BUDGET, PINNED, choose, on_answer
from dataplane.server.chosen import Chosen, Setting
from dataplane.sessions.key import prefix_hash, session_of

NOW = 1_000_000.0
CODE = Preference("code", "Writes code.", ("strong", "cheap"))
TALK = Preference("talk", "Talks.", ("cheap", "strong"), position=1)
ASKED = Asked("base", False, Protocol.CHAT, [Message("user", [Text("hello")])])
CONVERSATION = (Turn("user", "hello"),)
MINE = (("X-Model-Affinity", "mine"),)
ASK = DecideAmong(as_agents((CODE, TALK)), 0.5, CONVERSATION)
FAILED = CallFailed(ResponseDetail.INTERNAL, "the embedded router failed")


def decision(*names: str) -> Decision:
    return Decision(names, (), "because", "bm25")


def setting(
    headers: tuple[tuple[str, str], ...] = (),
    asked: Asked = ASKED,
    routing: Mapping[str, Any] | None = None,
    **more: Any,
) -> Setting:
    names = {"base": ("base",), "strong": ("strong",), "cheap": ("cheap",), "two": ("a", "b")}
    routes = {
        word: Route(f"m/{word}", "m", ModelTarget(providers), (word,))
        for word, providers in names.items()
    }
    routes |= {name: Route(f"m/{name}", "m", ModelTarget((name,)), (name,)) for name in "ab"}
    listener = Listener(
        "m", ListenerKind.MODEL, "127.0.0.1", 0, by_model=routes, routes=tuple(routes.values())
    )
    made = ModelRouting(**{"preferences": (CODE, TALK), "configured": True, **(routing or {})})
    config = RuntimeConfig(listeners={"m": listener}, model_routing=made)
    http = Request("POST", "/v1/chat/completions", headers)
    return Setting(asked, http, config, listener, NOW, **more)


def play(steps: Steps[Chosen], *replies: Reply) -> tuple[Chosen, list[Effect]]:
    """What comes of it when the world answers so, and what it was asked."""
    effects: list[Effect] = []
    left = list(replies)
    try:
        effects.append(next(steps))
        while True:
            last = effects[-1]
            reply = Recalled() if isinstance(last, Remember) else left.pop(0)
            effects.append(steps.send(reply))
    except StopIteration as end:
        assert not left
        found: Chosen = end.value
        return found, effects


def key(of: Setting) -> str:
    session = session_of(of.asked, "mine", "", implicit=True)
    assert session is not None
    return session.key


def bound(model: str, of: Setting, age_s: float = 10.0, **more: Any) -> Recalled:
    given = {"route_name": "code", "requested_model": "base", "default_model": "base", **more}
    prefix = given.pop("prefix_hash", prefix_hash(of.asked, ""))
    return Recalled(encode(Binding(model, prefix_hash=prefix, last_used=NOW - age_s, **given)))


def kept(effects: list[Effect]) -> Binding:
    (remembered,) = [one for one in effects if isinstance(one, Remember)]
    binding = decode(remembered.value)
    assert binding is not None
    return binding


def test_without_a_session_only_the_router_is_asked() -> None:
    found, effects = play(choose(setting()), decision("talk"))
    assert effects == [ASK]
    assert (found.models, found.preference) == (("cheap", "strong"), "talk")
    assert found.binding is None


def test_nothing_configured_asks_nobody() -> None:
    found, effects = play(choose(setting(routing={"preferences": ()})))
    assert (found, effects) == (Chosen(), [])


@pytest.mark.parametrize("reply", [decision(), FAILED, decision("unknown")])
def test_whatever_the_router_lacks_leads_to_the_model_asked_for(reply: Reply) -> None:
    found, _ = play(choose(setting()), reply)
    assert (found.models, found.preference) == ((), "")
    assert found.reason


def test_models_that_this_listener_does_not_serve_are_skipped() -> None:
    gone = (replace(CODE, models=("gone", "cheap")),)
    found, _ = play(choose(setting(inline=gone)), decision("code"))
    assert found.models == ("cheap",)
    only = (replace(CODE, models=("gone",)),)
    none, _ = play(choose(setting(inline=only)), decision("code"))
    assert (none.models, none.preference) == ((), "")


def test_decision_api_takes_any_model() -> None:
    gone = (replace(CODE, models=("gone", "cheap")),)
    found, _ = play(choose(setting(inline=gone, any_model=True)), decision("code"))
    assert found.models == ("gone", "cheap")


def test_first_turn_binds_the_session() -> None:
    at = setting(MINE)
    found, effects = play(choose(at), Recalled(), decision("code"))
    assert effects[0] == Recall(key(at))
    assert (found.pinned, found.switched) == (False, False)
    binding = kept(effects)
    assert (binding.anchor_model, binding.route_name) == ("strong", "code")
    assert binding.requested_model == "base"


def test_session_lives_as_long_as_configured() -> None:
    rules = {"sessions": SessionRules(ttl_s=42.0)}
    _, effects = play(choose(setting(MINE, routing=rules)), Recalled(), decision("code"))
    (remembered,) = [one for one in effects if isinstance(one, Remember)]
    assert remembered.ttl_s == 42.0


def test_warm_session_keeps_its_model_and_asks_no_router() -> None:
    at = setting(MINE)
    found, effects = play(choose(at), bound("cheap", at))
    assert [type(one) for one in effects] == [Recall]
    assert found.models == ("cheap", "strong")
    assert (found.pinned, found.reason, found.preference) == (True, PINNED, "code")


def test_decision_alone_keeps_a_session_alive() -> None:
    at = setting(MINE, any_model=True)
    _, effects = play(choose(at), bound("cheap", at))
    assert kept(effects).last_used == NOW


def test_session_is_pinned_although_its_instructions_have_changed() -> None:
    at = setting(MINE)
    found, _ = play(choose(at), bound("cheap", at, prefix_hash="other"))
    assert found.models[0] == "cheap"


@pytest.mark.parametrize(
    "binding",
    [
        pytest.param({"age_s": 601.0}, id="too old"),
        pytest.param({"model": "gone"}, id="of a model that is gone"),
        pytest.param({"route_name": ""}, id="of a turn that nothing fitted"),
    ],
)
def test_session_that_is_worth_nothing_is_bound_anew(binding: dict[str, Any]) -> None:
    at = setting(MINE)
    model = binding.pop("model", "cheap")
    found, effects = play(choose(at), bound(model, at, **binding), decision("code"))
    assert found.models[0] == "strong"
    assert kept(effects).anchor_model == "strong"


def test_turn_that_nothing_fits_binds_what_was_asked_for_and_never_none() -> None:
    found, effects = play(choose(setting(MINE)), Recalled(), decision())
    assert kept(effects).anchor_model == "base"
    assert (found.models, found.preference) == (("base",), "")


def test_implicit_session_is_pinned_when_caches_are_cared_for() -> None:
    at = setting(routing={"caching": PromptCaching()})
    found, effects = play(choose(at), bound("cheap", at))
    assert found.models[0] == "cheap"
    assert found.session is not None
    assert not found.session.explicit
    off = setting((("x-plano-cache", "OFF"),), routing={"caching": PromptCaching()})
    _, effects = play(choose(off), decision("code"))
    assert effects == [ASK]


def test_result_of_a_tool_stays_with_the_session() -> None:
    turn = Message("user", [ToolResult("1", [Text("42")])])
    asked = replace_messages(ASKED, turn)
    at = setting(asked=asked, routing={"route_on_user_only": True})
    found, _ = play(choose(at), bound("cheap", at))
    assert (found.models[0], found.reason) == ("cheap", NOT_USER_TURN)
    drifted = bound("cheap", at, prefix_hash="other")
    moved, _ = play(choose(at), drifted, decision("code"))
    assert moved.models[0] == "strong"


def test_words_of_a_person_are_routed_anew() -> None:
    at = setting(routing={"route_on_user_only": True})
    found, _ = play(choose(at), bound("cheap", at), decision("code"))
    assert (found.models[0], found.switched, found.pinned) == ("strong", True, True)


PRICES = {"base": Price(1, 1, 0.1), "cheap": Price(1, 1, 0.1), "strong": Price(9, 9, 0.9)}
STRICT = {"budget": Budget(0.0), "prices": PRICES}


def test_budget_of_nothing_keeps_the_anchor() -> None:
    at = setting(MINE, routing=STRICT)
    binding = bound("cheap", at, cached_tokens=1000)
    found, effects = play(choose(at), binding, decision("code"))
    assert found.models == ("cheap", "strong")
    assert (found.verdict, found.reason, found.switched) == ("over_cap", OVER_BUDGET, False)
    assert kept(effects).anchor_model == "cheap"


def test_header_makes_a_budget_where_there_is_none() -> None:
    headers = (*MINE, ("x-plano-max-switch-spend-pct", "0"))
    at = setting(headers, routing={"prices": PRICES})
    found, _ = play(choose(at), bound("cheap", at, cached_tokens=1000), decision("code"))
    assert found.verdict == "over_cap"


@pytest.mark.parametrize("text", ["-1", "101", "nan", "many", ""])
def test_header_that_is_no_share_changes_nothing(text: str) -> None:
    at = setting((*MINE, ("x-plano-max-switch-spend-pct", text)))
    found, _ = play(choose(at), bound("cheap", at))
    assert found.reason == PINNED


def test_budget_does_not_hold_a_session_whose_cache_is_cold() -> None:
    at = setting(MINE, routing=STRICT)
    found, _ = play(choose(at), bound("cheap", at, age_s=400, cached_tokens=9), decision("code"))
    assert (found.models[0], found.verdict) == ("strong", "cold")


def test_counterfactual_is_told_when_asked_for() -> None:
    budget = Budget(0.0, record_counterfactual=True)
    at = setting(MINE, routing={"budget": budget, "prices": PRICES})
    found, _ = play(choose(at), bound("cheap", at, cached_tokens=1000), decision("code"))
    assert float(found.attributes["outrider.routing.switch_usd"]) == pytest.approx(0.0089)


def test_alias_with_several_targets_has_a_session_without_any_preference() -> None:
    asked = Asked("two", False, Protocol.CHAT, ASKED.messages)
    at = setting(MINE, asked, {"preferences": ()})
    found, effects = play(choose(at), Recalled())
    assert found.models == ("two",)
    after = on_answer(replace(found), at, "b", (0, 0, 0)).binding
    assert after is not None
    assert after.anchor_model == "b"
    again, _ = play(choose(at), Recalled(encode(after)))
    assert again.models == ("b", "two")
    assert again.binding is not None
    assert len(effects) == 2


def test_answer_of_the_chosen_model_is_counted() -> None:
    at = setting(MINE, routing={"prices": PRICES})
    found, _ = play(choose(at), Recalled(), decision("code"))
    after = on_answer(found, at, "strong", (1000, 100, 0)).binding
    assert after is not None
    assert (after.anchor_model, after.cached_tokens) == ("strong", 1000)
    assert after.session_cost_usd == pytest.approx(1100 * 9e-6)


def test_fastest_tries_first_what_nobody_has_measured() -> None:
    inline = (replace(CODE, prefer=Prefer.FASTEST),)
    own = {"own_latency": True}
    for measured, first in (
        ({"strong": 0.1}, "cheap"),
        ({"strong": 0.1, "cheap": 0.2}, "strong"),
        ({"strong": 0.3, "cheap": 0.2}, "cheap"),
    ):
        at = setting(inline=inline, routing=own, measured=measured)
        found, _ = play(choose(at), decision("code"))
        assert found.models[0] == first


def test_headers_are_plain_whatever_was_said() -> None:
    told = dict(Chosen(("a",), "nämé\r\n", "x" * 999).headers())
    assert told["x-outrider-route"] == "n?m???"
    assert len(told["x-outrider-route-reason"]) == 256


def replace_messages(asked: Asked, *messages: Message) -> Asked:
    return Asked(asked.model, asked.stream, asked.protocol, [*asked.messages, *messages])
