"""What an operator writes about how the agents of a listener are run together.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, ValidatorFunctionWrapHandler, WrapValidator

from controlplane.config.fields import Block, Id, Names

CONCATENATE = "concatenate"
Steps = Annotated[int, Field(ge=1, le=1000)]


class RunBudget(Block):
    """What one run may use up; nobody is asked any more once it has."""

    tokens: Annotated[int, Field(ge=1, le=10**12)] | None = None
    """Input and output tokens, as agents tell them and as model listeners count them."""
    cost: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    """US dollars of what its agents ask of model listeners."""
    calls: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Agents and models that are asked, however deep agents call agents; one that is asked again
    after a failure counts once."""


class Step(Block):
    """Agents that are run at once, or in a loop; the name of one alone is a step, too."""

    parallel: Annotated[Names, Field(min_length=1, max_length=64)] | None = None
    """Ids of the agents. Who comes after them reads all that they said, in this order."""
    merge: Id = CONCATENATE
    """The id of an agent that makes one answer of theirs; `concatenate`: one after the other."""
    loop: Annotated[Names, Field(min_length=1, max_length=64)] | None = None
    """In place of `parallel`: the listener's orchestrator says who of these begins (the first one,
    where it names nobody) and, after each answer, who goes on, until it names nobody."""

    @property
    def agents(self) -> tuple[str, ...]:
        """Whom it is of."""
        return self.parallel or self.loop or ()


def _step(value: Any, read: ValidatorFunctionWrapHandler) -> Step:
    """An id alone is a step of one agent."""
    if isinstance(value, str):
        value = {"parallel": [value]}
    step: Step = read(value)
    return step


PlanSteps = Annotated[
    tuple[Annotated[Step, WrapValidator(_step, json_schema_input_type=Id | Step)], ...],
    Strict(False),
    Field(max_length=64),
]
OnFailure = Annotated[
    Names,
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=Id | Names,
    ),
]


class Plan(Block):
    """How several agents answer one request."""

    mode: Literal["sequence", "parallel", "loop"] = "sequence"
    """`sequence`: those that were chosen answer in turn, each reads what those before it said.
    `parallel`: at once. `loop`: one; then who goes on is decided again, until nobody does."""
    merge: Id = CONCATENATE
    """`parallel`: the id of an agent that makes one answer of what they said (it is not chosen
    itself); `concatenate`: the answers one after the other."""
    steps: PlanSteps = ()
    """Always these, in this order, and nobody is chosen: ids of agents of this listener, and
    mappings of `parallel` and `merge`, or of `loop`."""
    max_agents: Steps | None = None
    """Of the agents that were chosen, the first so many answer; without it all of them."""
    max_steps: Steps = 16
    """So many agents are asked in one run, also in place of others."""
    max_repeats: Steps = 4
    """So often one agent is asked in one run."""
    max_depth: Annotated[int, Field(ge=1, le=100)] = 4
    """Agents may call agent listeners so deep within one run; 1: not at all."""
    budget: RunBudget = RunBudget()
    """What one run may use up."""
    progress: Literal["never", "on_request", "always"] = "on_request"
    """Whether streams tell of the run before the last agent speaks; `on_request`: to clients that
    send `x-outrider-progress: events`, `text` or `comments`."""
