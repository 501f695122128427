"""`prompt_guards` -> a filter of type screening that every listener has first."""

from controlplane.config import schema
from controlplane.config.schema_filters import Filter
from controlplane.config.schema_guards import PromptGuards

NAME = "prompt_guards"
GUARDED = ("model", "agent", "prompt")


def with_guards(config: schema.Config) -> schema.Config:
    """The same config without the shorthand."""
    guards = config.prompt_guards
    if guards is None:
        return config
    listeners = tuple(
        one.model_copy(update={"input_filters": (NAME, *one.input_filters)})
        if one.type in GUARDED
        else one
        for one in config.listeners
    )
    added = (*config.filters, _filter(guards))
    return config.model_copy(
        update={"filters": added, "listeners": listeners, "prompt_guards": None}
    )


def _filter(guards: PromptGuards) -> Filter:
    message = guards.input_guards.jailbreak.on_exception.message
    return Filter(id=NAME, type="screening", config={"message": message})
