"""A model provider's own keys: its model, where it is, what it is asked."""

from controlplane.config.problem import Path, one_of
from controlplane.config.providers import table
from controlplane.config.providers.entry import STANDARD
from controlplane.config.providers.resolve import (
    HOLES,
    Resolved,
    is_wildcard,
    resolve,
    vendor_of,
)
from controlplane.config.rules import addresses, credentials
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.schema_models import ModelProvider

_SUFFIXES = tuple(
    api.path.removeprefix("{prefix}") for api in STANDARD.values() if "{model}" not in api.path
)
_ADDRESSES = {
    "azure_openai": "https://mine.openai.azure.com",
    "qwen": "https://dashscope-intl.aliyuncs.com",
}
_REGIONS = {"vertex": "europe-west4 or global"}


def check(provider: ModelProvider, path: Path, findings: Findings) -> None:
    """Everything of one entry of `model_providers` that needs no other."""
    credentials.check(provider, path, findings)
    if findings.blamed((*path, "model")) or not _model(provider, path, findings):
        return
    _interface(provider, path, findings)
    resolved = resolve(provider)
    _address(provider, resolved, path, findings)
    _holes(provider, resolved, path, findings)
    _apis(provider, resolved, path, findings)
    if provider.aws is not None and not resolved.entry.signed:
        vendor = vendor_of(provider)
        findings.add((*path, "aws"), f"{vendor!r} takes no AWS credentials", "give its access_key")


def _model(provider: ModelProvider, path: Path, findings: Findings) -> bool:
    """Whether the model is one; then the rest can be checked."""
    vendor, slash, model = provider.model.partition("/")
    at = (*path, "model")
    if not slash or not vendor or not model:
        hint = f"write openai/{vendor or model}, or your provider's name first"
        if slash:
            hint = "such as openai/gpt-4o"
        findings.add(at, f"{provider.model!r} is not provider/model", hint)
        return False
    if "*" in provider.model and (not is_wildcard(provider) or "*" in vendor):
        hint = f"write {vendor.strip('*') or 'openai'}/* for all models of a provider"
        findings.add(at, f"{provider.model!r}: a '*' stands for a whole model", hint)
        return False
    name = provider.name or ""
    if is_wildcard(provider):
        if provider.default:
            hint = "name a model: add an entry for it"
            findings.add((*path, "default"), "a wildcard cannot be the default", hint)
        prefix, _, rest = name.partition("/")
        if name and (rest != "*" or not prefix or "*" in prefix):
            hint = f"such as {prefix.strip('*') or 'mine'}/*"
            findings.add((*path, "name"), "a wildcard's name must end with '/*'", hint)
    elif "*" in name:
        findings.add((*path, "name"), f"{name!r}: only a wildcard's name has a '*'")
    return True


def _interface(provider: ModelProvider, path: Path, findings: Findings) -> None:
    interface, vendor = provider.provider_interface, vendor_of(provider)
    at = (*path, "provider_interface")
    if interface is None:
        return
    if vendor in table.KNOWN:
        findings.add(at, f"provider {vendor!r} is known", "remove it")
    elif interface not in table.KNOWN:
        hint = suggest(interface, table.KNOWN, "providers")
        findings.add(at, f"unknown provider {interface!r}", hint)


def _address(provider: ModelProvider, resolved: Resolved, path: Path, findings: Findings) -> None:
    addresses.check(findings, path, ("base_url", provider.base_url), provider.endpoints)
    vendor = vendor_of(provider)
    if provider.base_url is not None:
        addresses.check_suffix(findings, (*path, "base_url"), provider.base_url, _SUFFIXES)
    elif provider.endpoints is not None:
        for index, one in enumerate(provider.endpoints):
            where = addresses.place(path, index, findings)
            addresses.check_suffix(findings, where, one.url, _SUFFIXES)
    elif not resolved.urls and not findings.blamed((*path, "endpoints")):
        known = [name for name, one in table.KNOWN.items() if one.url]
        is_new = vendor not in table.KNOWN and provider.provider_interface is None
        hint = suggest(vendor, known, "providers") if is_new else ""
        if not hint.startswith("did"):
            hint = f"where it is, such as {_ADDRESSES.get(vendor, 'http://127.0.0.1:8000/v1')}"
        findings.add((*path, "base_url"), f"is missing: {vendor!r} has no known address", hint)


def _holes(provider: ModelProvider, resolved: Resolved, path: Path, findings: Findings) -> None:
    vendor = vendor_of(provider)
    is_signed = provider.aws is not None and resolved.entry.signed
    wanted = resolved.holes() | ({"region"} if is_signed else set())
    hints = {
        "region": f"such as {_REGIONS.get(vendor, 'eu-west-1')}",
        "project": "the id of the Google Cloud project",
    }
    for key in HOLES:
        given = getattr(provider, key) is not None or findings.blamed((*path, key))
        if key in wanted and not given and key in hints:
            findings.add((*path, key), f"is missing: {vendor!r} needs one", hints[key])
        elif given and key not in wanted:
            findings.add((*path, key), f"{vendor!r} does not use one here", "remove it")


def _apis(provider: ModelProvider, resolved: Resolved, path: Path, findings: Findings) -> None:
    seen: list[str] = []
    unknown = [operation.value for operation in resolved.unknown_apis]
    for index, name in enumerate(provider.apis or ()):
        at = (*path, "apis", index)
        if name in seen:
            findings.add(at, f"{name!r} is here twice")
        elif name in unknown and resolved.urls:
            entry = resolved.entry
            has = one_of(api.operation.value for api in (*entry.apis, *entry.also))
            what = f"{vendor_of(provider)!r} has no {name!r} that is known"
            findings.add(at, what, f"it has {has}; a server of your own needs its base_url")
        if not findings.blamed(at):
            seen.append(name)
