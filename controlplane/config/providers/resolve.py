"""A provider of the config and what is known of its name -> where it is and what it is asked.

Nothing here complains: `controlplane.config.rules.providers` does, with the same functions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from controlplane.config.providers import table
from controlplane.config.providers.clouds import DEPLOYMENTS
from controlplane.config.providers.entry import STANDARD, Api, Operation, Provider
from controlplane.config.schema_models import ModelProvider
from controlplane.config.values import Url, read_url

HOLES = ("region", "project", "api_version")
_HOLE = re.compile(r"\{(\w+)\}")
DEFAULT_API_VERSION = "2025-01-01-preview"  # Plano's


def vendor_of(provider: ModelProvider) -> str:
    """The provider's name: what is before the first slash of `model`."""
    return provider.model.partition("/")[0]


def is_wildcard(provider: ModelProvider) -> bool:
    """Whether it serves whatever model it is asked for."""
    return provider.model.partition("/")[2] == "*"


def entry_of(provider: ModelProvider) -> Provider:
    """What is known of it; of one that only speaks like a known one, no address is known."""
    vendor = vendor_of(provider)
    is_known = vendor in table.KNOWN or provider.provider_interface is None
    entry = table.of(vendor if is_known else provider.provider_interface or "")
    if entry.away is not None and not (is_known and _is_at_home(provider, entry)):
        entry = entry.away
    return entry if is_known else replace(entry, url="", urls={})


def given_urls(provider: ModelProvider) -> tuple[str, ...]:
    """The operator's own addresses; none: it is at its vendor's."""
    if provider.endpoints:
        return tuple(one.url for one in provider.endpoints)
    return (provider.base_url,) if provider.base_url else ()


def _is_at_home(provider: ModelProvider, entry: Provider) -> bool:
    """Whether its address, when one is given, is the vendor's ("eu.api.openai.com")."""
    given = given_urls(provider)
    if not given:
        return True
    host, home = read_url(given[0]).host, read_url(entry.url).host
    return host == home or host.endswith(f".{home}")


def at_vendor(provider: ModelProvider) -> bool:
    """Whether it is at an address on the internet that everybody knows, not at one of your own."""
    entry = entry_of(provider)
    is_public = entry.url.startswith("https:")  # Ollama's and vLLM's is this machine
    return is_public and (
        not given_urls(provider) or ("{" not in entry.url and _is_at_home(provider, entry))
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a provider of the config comes to."""

    entry: Provider
    urls: tuple[str, ...]
    """With holes unless they are the operator's; empty when nobody says where it is."""
    prefix: str
    apis: tuple[Api, ...]
    """With holes."""
    unknown_apis: tuple[Operation, ...] = ()
    """Asked for, and the provider is not known to have them."""

    def holes(self) -> set[str]:
        """The keys of the config that addresses and paths have a place for."""
        texts = [*self.urls, *(f"{self.prefix}{api.path}{api.stream_path}" for api in self.apis)]
        return {name for text in texts for name in _HOLE.findall(text)} & set(HOLES)


def resolve(provider: ModelProvider) -> Resolved:
    """Where a provider is and what it can be asked."""
    entry = entry_of(provider)
    given = given_urls(provider)
    own = _own_path(read_url(given[0]), entry) if given else ""
    prefix = own or entry.prefix
    if provider.api_version is not None and not own and DEPLOYMENTS in entry.forms:
        prefix = DEPLOYMENTS.suffix
    urls = given or tuple(url for url in [entry.urls.get(provider.region or "", entry.url)] if url)
    form = next((form for form in entry.forms if prefix.endswith(form.suffix)), None)
    known = form.apis if form else entry.apis
    if own:
        # Whoever answers below another path: nothing is known of its other paths.
        known = tuple(api for api in known if api.path.startswith("{prefix}"))
    if provider.apis is None:
        return Resolved(entry, urls, prefix, known)
    chosen, unknown = [], []
    for operation in dict.fromkeys(Operation(name) for name in provider.apis):
        api = _find(operation, known, () if own or form else entry.also)
        if api is None and given:
            api = STANDARD[operation]
        if api is None:
            unknown.append(operation)
        else:
            chosen.append(api)
    return Resolved(entry, urls, prefix, tuple(chosen), tuple(unknown))


def _own_path(url: Url, entry: Provider) -> str:
    """The operator's path, unless it only says what is known anyway."""
    if f"{url.scheme}://{url.authority}{url.path}" == f"{entry.url}{entry.prefix}":
        return ""
    return url.path


def _find(operation: Operation, *groups: tuple[Api, ...]) -> Api | None:
    return next((api for group in groups for api in group if api.operation is operation), None)


def addresses(provider: ModelProvider, resolved: Resolved) -> list[Url]:
    """Its addresses without holes."""
    return [read_url(_fill(url, _values(provider, ""))) for url in resolved.urls]


def apis(provider: ModelProvider, resolved: Resolved) -> Iterator[Api]:
    """Its APIs; of the holes in their paths only `{model}` is left."""
    values = _values(provider, "")
    values = {**values, "prefix": _fill(resolved.prefix, values)}
    for api in resolved.apis:
        yield replace(api, path=_fill(api.path, values), stream_path=_fill(api.stream_path, values))


def headers(provider: ModelProvider) -> dict[str, str]:
    """Headers to send, names in lower case: the operator's, and those its provider wants."""
    own = {name.lower(): text for name, text in provider.headers.items()}
    if passes_through(provider):
        return own
    wanted = {name: text for name, text in entry_of(provider).headers if name not in own}
    return {**wanted, **own}


def passes_through(provider: ModelProvider) -> bool:
    """Whether the client's own credential is sent."""
    return provider.passthrough_auth or (
        entry_of(provider).passthrough and not keys(provider) and provider.aws is None
    )


def keys(provider: ModelProvider) -> tuple[str, ...]:
    """Its keys, as secret texts."""
    return provider.access_keys or ((provider.access_key,) if provider.access_key else ())


def _values(provider: ModelProvider, nothing: str) -> Mapping[str, str]:
    return {
        "region": provider.region or nothing,
        "project": provider.project or nothing,
        "api_version": provider.api_version or DEFAULT_API_VERSION,
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values.get(hole[1], hole[0]), text)
