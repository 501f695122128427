"""Older spellings of a file, read as the newer ones; what they hold is told by its own name."""

from typing import Any

from controlplane.config.document import Document
from controlplane.config.problem import ConfigError, Path

Renamed = dict[Path, Path]
"""How it is read -> how it is written."""
LISTENERS = {"ingress_traffic": "prompt", "egress_traffic": "model"}
"""Plano's two listeners of old, and what each is now. That of models was there in any case."""


def read_older(
    data: dict[str, Any], doc: Document, file_name: str, renamed: Renamed
) -> list[ConfigError]:
    """Bring `data` into the form of today; what cannot be is returned."""
    problems: list[ConfigError] = []
    if "llm_providers" in data:
        problems += _providers(data, doc, file_name, renamed)
    given = data.get("listeners")
    if isinstance(given, dict) and given.keys() & LISTENERS.keys():
        problems += _listeners(data, given, doc, file_name, renamed)
    return problems


def _providers(
    data: dict[str, Any], doc: Document, file_name: str, renamed: Renamed
) -> list[ConfigError]:
    older = data.pop("llm_providers")
    if "model_providers" in data:
        line, hint = doc.line(("llm_providers",)), "move its entries to 'model_providers'"
        what = "'model_providers' and 'llm_providers' are both given"
        return [ConfigError(file_name, line, "llm_providers", what, hint)]
    data["model_providers"] = older
    renamed[("model_providers",)] = ("llm_providers",)
    return []


def _listeners(
    data: dict[str, Any], given: dict[str, Any], doc: Document, file_name: str, renamed: Renamed
) -> list[ConfigError]:
    problems: list[ConfigError] = []
    listed: list[Any] = []
    for name in given:
        if name not in LISTENERS:
            path: Path = ("listeners", name)
            hint = "the old form has ingress_traffic and egress_traffic only"
            shown = f"listeners.{name}"
            problems.append(ConfigError(file_name, doc.line(path), shown, "unknown key", hint))
    for name, kind in LISTENERS.items():
        block = given.get(name, {} if kind == "model" else None)
        if not block and kind == "prompt":
            continue
        if isinstance(block, dict):
            block = dict(block)
            if block.get("message_format") == "openai":  # all there is
                del block["message_format"]
            block = {"type": kind, "name": name, **block}
        renamed[("listeners", len(listed))] = ("listeners", name)
        listed.append(block)
    data["listeners"] = listed
    return problems
