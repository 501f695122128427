"""What choosing a model looks at, and what comes of it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dataplane.llm.hub.request import Request as Asked
from dataplane.routing.binding import Binding
from dataplane.routing.match import match_model
from dataplane.runtime.choosing import ModelRouting, Preference
from dataplane.runtime.config import Listener, ModelTarget, Route, RuntimeConfig
from dataplane.runtime.messages import Headers, Request
from dataplane.sessions.key import Session

MAX_TOLD = 256
"""Characters of a reason in a header, where proxies allow 8 KiB for all headers."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Models to try, in order, and how they were found."""

    models: tuple[str, ...] = ()
    """Words that clients could ask for; empty: what the request asks for."""
    preference: str = ""
    reason: str = ""
    session: Session | None = None
    binding: Binding | None = None
    """What the session remembers from now on."""
    pinned: bool = False
    """The session was warm when this was decided."""
    switched: bool = False
    """A warm session goes on with another model."""
    verdict: str = ""
    """The budget's, when it was asked."""
    marks: int = 0
    """From how many tokens on a provider is told what to cache; 0: it is not."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """More for spans and the log."""

    @property
    def outcome(self) -> str:
        """In one word, for metrics."""
        if self.verdict:
            return self.verdict
        if self.switched:
            return "switched"
        if self.pinned:
            return "pinned"
        return "preference" if self.preference else "requested"

    def headers(self) -> Headers:
        """What the client is told."""
        told = []
        if self.preference:
            told.append(("x-outrider-route", _printable(self.preference)))
        if self.reason:
            told.append(("x-outrider-route-reason", _printable(self.reason)))
        if self.session is not None:
            told.append(("x-outrider-pinned", str(self.pinned).lower()))
        return tuple(told)


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that choosing looks at."""

    asked: Asked
    http: Request
    """The request with its headers."""
    config: RuntimeConfig
    listener: Listener
    now: float
    """Seconds of a clock that all workers share."""
    inline: tuple[Preference, ...] | None = None
    """Preferences that the request has brought along; they replace the configuration's."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """Seconds to the first byte, by name of ModelProvider."""
    any_model: bool = False
    """Whether models that this listener does not serve count too: the decision API."""
    owner: str = ""
    """See Call."""

    @property
    def routing(self) -> ModelRouting:
        """The configuration's settings."""
        return self.config.model_routing

    @property
    def preferences(self) -> tuple[Preference, ...]:
        """Those that hold for this request."""
        return self.routing.preferences if self.inline is None else self.inline

    @property
    def requested(self) -> str:
        """The word for what the client asks for; empty when there is none."""
        default = self.listener.default_route
        return self.asked.model or (default.models[0] if default and default.models else "")

    @property
    def tenant(self) -> str:
        """Whose request it is, as far as who calls and the operator's header say."""
        header = self.routing.sessions.tenant_header
        told = (self.http.header(header) or "") if header else ""
        return f"{self.owner}\n{told}" if self.owner else told

    def knows(self, model: str) -> bool:
        """Whether a model can be asked for."""
        return self.any_model or isinstance(match_model(self.listener, model), Route)

    def providers(self, model: str) -> tuple[str, ...]:
        """Names of the ModelProviders that answer to a word, in order."""
        route = match_model(self.listener, model)
        if isinstance(route, Route) and isinstance(route.target, ModelTarget):
            return route.target.providers
        return ()


def _printable(text: str) -> str:
    """Fit for a header whatever was said: ASCII without controls, cut."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)
    return shown if len(shown) <= MAX_TOLD else shown[: MAX_TOLD - 3] + "..."
