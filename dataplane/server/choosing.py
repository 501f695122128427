"""Which models are tried for one request, and why: its session, its preference, the budget.

Rule: choosing never costs a request its answer. Whatever fails on the way (a routing model, the
store of sessions) leads to the model that was asked for, and the reason says so.
"""

import math
from dataclasses import replace

from dataplane.llm.turns import conversation, estimated_tokens, is_user_turn
from dataplane.routing.binding import Binding, answered, decode, encode, idle, is_cached, moved
from dataplane.routing.budget import Outcome, began, cost_of, judge
from dataplane.routing.preference import as_agents, chosen
from dataplane.routing.selection import of_model, ranked
from dataplane.runtime.choosing import Budget, Prefer, Preference
from dataplane.runtime.decision import Decision
from dataplane.runtime.effects import CallFailed, DecideAmong, Recall, Recalled, Remember, Steps
from dataplane.runtime.headers import AFFINITY, CACHE, MAX_SWITCH_SPEND
from dataplane.server.chosen import Chosen, Setting
from dataplane.server.routing_model import Failure, ask_routing_model
from dataplane.sessions.key import Session, prefix_hash, session_of

PINNED = "the session keeps its model"
NOT_USER_TURN = "not a user's turn: the session keeps its model"
OVER_BUDGET = "the budget does not allow to switch"


def choose(setting: Setting) -> Steps[Chosen]:
    """Choose, and have it remembered for the session."""
    budget = _budget(setting)
    session = _session(setting, budget)
    if session is None:
        fits, reason = yield from _fitting(setting)
        models = _models(setting, fits)
        return Chosen(models, _name(fits, models), reason)
    recalled = yield Recall(session.key)
    before = decode(recalled.value) if isinstance(recalled, Recalled) else None
    prefix = prefix_hash(setting.asked, setting.tenant)
    warm = _warm(setting, before)
    why = _stays(setting, session, warm, prefix, budget) if warm is not None else ""
    if warm is not None and why:
        found = _kept(setting, session, warm, why)
        if not setting.any_model:
            return found  # the answer will say that the session goes on: one write less
    else:
        fits, reason = yield from _fitting(setting)
        models = _models(setting, fits)
        made = Chosen(models, _name(fits, models), reason, session, pinned=warm is not None)
        found = _bound(setting, made, before, warm, prefix, budget)
    if found.binding is not None:
        ttl_s = setting.routing.sessions.ttl_s
        yield Remember(session.key, encode(found.binding), ttl_s)
    return found


def on_answer(
    found: Chosen, setting: Setting, provider: str, tokens: tuple[int, int, int]
) -> Chosen:
    """The same, with what the session remembers once a model has answered with 2xx.

    :param provider: name of the ModelProvider that did; not the chosen one's after a failure.
    :param tokens: of input, of output, and of the input those that were in the provider's cache;
        0 where they are not known.
    """
    binding = found.binding
    if binding is None:
        return found
    if provider and setting.providers(binding.anchor_model)[:1] != (provider,):
        words = [m for m in found.models if setting.providers(m)[:1] == (provider,)]
        word = words[0] if words else provider
        binding = moved(binding, word, binding.route_name, setting.now)
    price = of_model(setting.routing.prices, binding.anchor_model)
    budget = setting.routing.budget or Budget(0.0)
    cost = cost_of(price, *tokens, budget)
    return replace(found, binding=answered(binding, tokens[0], cost, setting.now))


def _budget(setting: Setting) -> Budget | None:
    """The configuration's, or what the request's header makes of it."""
    budget = setting.routing.budget
    text = setting.http.header(MAX_SWITCH_SPEND)
    if text is None:
        return budget
    try:
        percent = float(text)
    except ValueError:
        return budget
    if not math.isfinite(percent) or not 0.0 <= percent <= 100.0:
        return budget
    return replace(budget or Budget(percent), max_switch_spend_pct=percent)


def _session(setting: Setting, budget: Budget | None) -> Session | None:
    """None as well where there is nothing to remember: one model and no choice."""
    routing, preferences = setting.routing, setting.preferences
    if not preferences and budget is None and len(setting.providers(setting.requested)) < 2:
        return None
    implicit = (
        (routing.caching is not None and routing.caching.session_affinity)
        or budget is not None
        or (routing.route_on_user_only and bool(preferences))
    )
    off = (setting.http.header(CACHE) or "").lower() == "off"
    affinity = setting.http.header(AFFINITY) or ""
    return session_of(setting.asked, affinity, setting.tenant, implicit and not off)


def _warm(setting: Setting, binding: Binding | None) -> Binding | None:
    """What is still worth something: not too old, and of a model that still exists."""
    if binding is None or idle(binding, setting.now) > setting.routing.sessions.ttl_s:
        return None
    return binding if setting.knows(binding.anchor_model) else None


def _stays(
    setting: Setting, session: Session, binding: Binding, prefix: str, budget: Budget | None
) -> str:
    """Why a warm session keeps its model without anybody being asked; empty when it does not."""
    routing = setting.routing
    if setting.preferences and routing.route_on_user_only:
        same = binding.prefix_hash == prefix
        if same and not is_user_turn(setting.asked):
            return NOT_USER_TURN
    pins = session.explicit or (routing.caching is not None and routing.caching.session_affinity)
    # A greeting that no preference fitted must not decide for the whole conversation.
    settled = bool(binding.route_name) or not setting.preferences
    return PINNED if pins and settled and budget is None else ""


def _kept(setting: Setting, session: Session, binding: Binding, why: str) -> Chosen:
    """The session's model first; the others of its preference if that one fails."""
    by_name = {one.name: one for one in setting.preferences}
    others = _models(setting, by_name.get(binding.route_name)) or (setting.requested,)
    models = _tried(binding.anchor_model, *others)
    turn = moved(binding, binding.anchor_model, binding.route_name, setting.now)
    return Chosen(models, binding.route_name, why, session, turn, pinned=True)


def _bound(
    setting: Setting,
    found: Chosen,
    before: Binding | None,
    warm: Binding | None,
    prefix: str,
    budget: Budget | None,
) -> Chosen:
    """What was found for the turn, bound to the session as far as the budget allows."""
    model = found.models[0] if found.models else setting.requested
    if not model:
        return found
    if warm is not None and budget is not None and is_cached(warm, setting.now, prefix):
        return _judged(setting, found, warm, model, budget)
    prices = setting.routing.prices
    binding = Binding(
        anchor_model=model,
        requested_model=setting.asked.model,
        default_model=setting.requested if of_model(prices, setting.requested) else model,
        route_name=found.preference,
        prefix_hash=prefix,
        last_used=setting.now,
    )
    return replace(
        found,
        models=_tried(model, *found.models),
        binding=began(before, binding, budget),
        switched=warm is not None and model != warm.anchor_model,
        verdict=Outcome.COLD if budget is not None else "",
    )


def _judged(setting: Setting, found: Chosen, warm: Binding, model: str, budget: Budget) -> Chosen:
    tokens = estimated_tokens(setting.asked)
    prices = setting.routing.prices
    verdict = judge(warm, model, found.preference, tokens, budget, prices, setting.now)
    binding = verdict.binding
    told = {}
    if budget.record_counterfactual:
        told = {
            "outrider.routing.switch_usd": f"{verdict.cost_usd:.9f}",
            "outrider.routing.baseline_usd": f"{binding.baseline_usd:.9f}",
            "outrider.routing.spent_usd": f"{binding.switch_spend_usd:.9f}",
        }
    over = verdict.outcome is Outcome.OVER_CAP
    return replace(
        found,
        models=_tried(binding.anchor_model, *found.models),
        preference=binding.route_name,
        reason=OVER_BUDGET if over else found.reason,
        binding=binding,
        switched=verdict.switched,
        verdict=verdict.outcome.value,
        attributes=told,
    )


def _fitting(setting: Setting) -> Steps[tuple[Preference | None, str]]:
    """The preference that fits the conversation, and why."""
    preferences = setting.preferences
    if not preferences:
        return None, ""
    turns = conversation(setting.asked)
    agents = as_agents(preferences)
    model = setting.routing.routing_model
    if model is not None:
        some = agents[: len(preferences)]
        names = yield from ask_routing_model(model, some, turns, setting.config)
        if isinstance(names, Failure):
            return None, names.reason
        fits = next((one for one in preferences if one.name in names[:1]), None)
        says = f"chose {fits.name}" if fits is not None else "says that no preference fits"
        return fits, f"{model.provider} {says}"
    decision = yield DecideAmong(agents, setting.routing.min_confidence, turns)
    if isinstance(decision, CallFailed):
        return None, decision.message
    assert isinstance(decision, Decision)
    return chosen(decision, preferences), decision.reason


def _models(setting: Setting, preference: Preference | None) -> tuple[str, ...]:
    """The models of a preference that can be asked, the best one first."""
    if preference is None:
        return ()
    routing = setting.routing
    latencies = routing.latencies
    if routing.own_latency and preference.prefer is Prefer.FASTEST:
        # Nobody knows how fast a model is that is never asked: those come first.
        latencies = {m: _measured(setting, m) for m in preference.models}
    return tuple(m for m in ranked(preference, routing.prices, latencies) if setting.knows(m))


def _measured(setting: Setting, model: str) -> float:
    return min((setting.measured.get(name, 0.0) for name in setting.providers(model)), default=0.0)


def _name(preference: Preference | None, models: tuple[str, ...]) -> str:
    """The name of a preference that had a say."""
    return preference.name if preference is not None and models else ""


def _tried(*models: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model for model in models if model))
