"""A filter that gives requests instructions and messages of the operator's."""

import msgspec

from dataplane.filters.api import Context, Continue, Filter, Verdict, settings_of
from dataplane.llm.words.instructions import Decoration, Turn, decorated
from dataplane.runtime import config
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Instructions."""

    prepend: str = ""
    append: str = ""


class Messages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages."""

    prepend: tuple[Turn, ...] = ()
    append: tuple[Turn, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See PromptConfig of the control plane."""

    system: System = System()
    messages: Messages = Messages()


class PromptFilter(Filter):
    """Decorates every request in the same way."""

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        settings = settings_of(spec, Settings)
        system, messages = settings.system, settings.messages
        self._given = Decoration(system.prepend, system.append, messages.prepend, messages.append)

    def on_request(self, request: Request, context: Context) -> Verdict:
        """See Filter."""
        try:
            body = decorated(context.operation, request.body, self._given)
        except (ValueError, RecursionError):
            message = f"Filter '{self.id}' cannot read the request: it is no JSON object."
            return LocalReply(400, message, ResponseDetail.INVALID_JSON)
        return Continue(request.with_body(body))
