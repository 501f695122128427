"""Text -> model, and every way in which the text is not one.

When parts have the wrong shape the rest is still read: what is wrong is replaced by a stand-in that
no rule complains about, so that one run shows problems of shape and of meaning together. A model
with stand-ins never gets further than the checks.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from controlplane.config import document, explain, schema
from controlplane.config.blocks import BLOCKS
from controlplane.config.older import read_older
from controlplane.config.problem import ConfigError, ConfigErrors, Path, show_path

_ROUNDS = 4  # a stand-in can uncover what its place hid; two rounds are the most seen in golden/
STAND_IN = "outrider-stand-in-"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says, as far as it can be read."""

    file: str
    config: schema.Config
    document: document.Document
    problems: tuple[ConfigError, ...]
    """Empty when `config` is just what the text says."""
    blamed: frozenset[Path] = frozenset()
    """Where the shape is wrong: rules have nothing to add there."""
    renamed: Mapping[Path, Path] = field(default_factory=dict)
    """Where a misspelt key was read as the one that was meant: that one -> as it is written."""

    def line(self, path: Path) -> int:
        """The line of a place of the config."""
        return self.document.line(_written(path, self.renamed))

    def has(self, path: Path) -> bool:
        """Whether the file has that place itself, and not only one that holds it."""
        return self.document.has(_written(path, self.renamed))

    def error(self, path: Path, message: str, hint: str = "") -> ConfigError:
        """A problem of this file, at the line of its path."""
        shown = show_path(_written(path, self.renamed))
        return ConfigError(self.file, self.line(path), shown, message, hint)


def parse(text: str, file_name: str) -> Parsed:
    """Read a config. Raises ConfigErrors when it is not YAML or not a mapping at all."""
    doc = document.read(text, file_name)
    data = doc.plain()
    if not isinstance(data, dict):
        raise ConfigErrors([*doc.problems, _not_a_mapping(doc, file_name)])
    problems, blamed, renamed = list(doc.problems), set[Path](), dict[Path, Path]()
    problems += read_older(data, doc, file_name, renamed)
    for _ in range(_ROUNDS):
        try:
            config = schema.Config.model_validate(data)
        except ValidationError as e:
            # Misspelt keys first: what they are read as is not missing then.
            errors = e.errors(include_url=False)
            for error in sorted(errors, key=lambda error: error["type"] != "extra_forbidden"):
                path, message, hint = explain.explain(error)
                if error["type"] == "missing" and path in renamed:
                    continue
                if not covers(blamed, path):
                    at = _written(path, renamed)
                    told = ConfigError(file_name, doc.line(at), show_path(at), message, hint)
                    problems.append(told)
                if error["type"] != "extra_forbidden" or not _rename(data, path, renamed):
                    blamed.add(path)
                    _replace(data, error)
        else:
            return Parsed(file_name, config, doc, tuple(problems), frozenset(blamed), renamed)
    raise ConfigErrors(problems)


def _written(path: Path, renamed: Mapping[Path, Path]) -> Path:
    """The path as it is in the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in renamed:
            return renamed[path[:length]] + path[length:]
    return path


def _rename(data: dict[str, Any], path: Path, renamed: dict[Path, Path]) -> bool:
    """Read a misspelt key as the one that was meant, unless that one is there too."""
    meant, holder = explain.meant(path), _holder(data, path)
    if not meant or not isinstance(holder, dict) or meant in holder or path[-1] not in holder:
        return False
    holder[meant] = holder.pop(path[-1])
    renamed[(*path[:-1], meant)] = _written(path, renamed)
    return True


def _holder(data: Any, path: Path) -> Any:
    """What holds the last step of a path; None when the path is not there any more."""
    for step in path[:-1]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def covers(blamed: Set[Path], path: Path) -> bool:
    """Whether the shape is wrong there, or at something that holds it."""
    return any(path[:length] in blamed for length in range(len(path) + 1))


def decode(raw: bytes, file_name: str) -> str:
    """The text of a file. Raises ConfigErrors when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
        what = f"byte {raw[e.start]:#04x} is not UTF-8 text"
        raise ConfigErrors(
            [ConfigError(file_name, line, "", what, "save the file as UTF-8")]
        ) from e


def _not_a_mapping(doc: document.Document, file_name: str) -> ConfigError:
    what = doc.root.value
    if what is None:
        return ConfigError(file_name, 0, "", "is empty", "start with: version: v0.4.0")
    found = "a list" if isinstance(what, list) else "text" if isinstance(what, str) else "a value"
    line = doc.root.line
    hint = "start with: version: v0.4.0"
    return ConfigError(file_name, line, "", f"must be a mapping of keys, not {found}", hint)


# Required keys, and what to put there so that the rest can be checked.
_REQUIRED: dict[Path, object] = {
    ("version",): "v0.4.0",
    ("listeners",): [],
    ("agents", "*", "endpoints", "*", "url"): "http://stand.in",
    ("filters", "*", "endpoints", "*", "url"): "http://stand.in",
    ("model_providers", "*", "endpoints", "*", "url"): "http://stand.in",
    ("filters", "*", "type"): "http",
    ("listeners", "*", "agents", "*", "description"): "stand-in",
    ("model_providers", "*", "routing_preferences", "*", "description"): "stand-in",
    ("routing_preferences", "*", "description"): "stand-in",
    ("routing_preferences", "*", "models"): [STAND_IN],
    ("routing", "routing_budget", "max_switch_spend_pct"): 0.0,
    ("model_metrics_sources", "*", "type"): "cost",
    ("model_metrics_sources", "*", "provider"): "file",
    ("limits", "*", "requests", "limit"): 1,
    ("limits", "*", "tokens", "limit"): 1,
    ("limits", "*", "input_tokens", "limit"): 1,
    ("limits", "*", "output_tokens", "limit"): 1,
    ("limits", "*", "cost", "limit"): 1.0,
    ("ratelimits", "*", "model"): STAND_IN,
    ("ratelimits", "*", "selector"): {"key": "stand-in"},
    ("ratelimits", "*", "selector", "key"): "stand-in",
    ("ratelimits", "*", "limit"): {"tokens": 1, "unit": "minute"},
    ("ratelimits", "*", "limit", "tokens"): 1,
    ("ratelimits", "*", "limit", "unit"): "minute",
    ("model_providers", "*", "aws", "access_key_id"): "$STAND_IN",
    ("model_providers", "*", "aws", "secret_access_key"): "$STAND_IN",
}


def _replace(data: dict[str, Any], error: ErrorDetails) -> None:
    """Put a stand-in where a problem is, or take it away where nothing is required."""
    path: Path = error["loc"]
    if path[-1] == "[key]":
        path = path[:-1]
    holder, last = _holder(data, path), path[-1]
    stand_in = _stand_in(path, holder)
    if isinstance(holder, list) and isinstance(last, int):
        holder[last] = stand_in
    elif isinstance(holder, dict):
        holder.pop(last, None)
        if stand_in is not None:
            holder[last] = stand_in


def _stand_in(path: Path, holder: Any) -> object:
    where = explain.shape(path)
    unique = STAND_IN + re.sub(r"[^0-9a-z_]+", "-", show_path(path))[-40:]
    match where:
        case ("listeners", "*", "type"):
            return "agent" if isinstance(holder, dict) and "agents" in holder else "model"
        case (_, "*", "id") | (_, "*", "agents", "*", "id") | ("listeners", "*", "name"):
            return unique
        case ("limits", "*", "name"):
            return unique[-60:]
        case ("limits", "*", "per", "*"):
            return f"header:{unique}"
        case ("limits", "*", "scope", *_, "*"):
            return unique
        case (*_, "routing_preferences", "*", "name"):
            return unique
        case ("routing_preferences", "*", "models", "*"):
            return unique
        case ("model_providers", "*", "model"):
            return f"openai/{unique}"
        case ("model_aliases", "*"):
            return None
        case (_, "*", "endpoints", "*"):
            return "http://stand.in"
        case (_, "*", "health_check", "expected_statuses", "*"):
            return "200"
        case (*_, "*") if where in BLOCKS:
            return {}
        case ("listeners" | "agents" | "model_providers", "*", *_, "*") | ("tracing", *_, "*"):
            return {"apis": "chat"}.get(str(where[-2]), unique)
        case _:
            return _REQUIRED.get(where)
