"""YAML text -> a tree of nodes that know their lines.

Built from parser events with our own stack, so that hostile nesting and aliases that multiply end
as a problem and not as a crash. Scalars are read by the YAML 1.2 core rules: `yes` and `on` are
text, and nothing but text, numbers, booleans and null exists.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from controlplane.config.problem import ConfigError, ConfigErrors, Path

MAX_BYTES = 8 << 20  # 1,000 providers with keys take 0.1 MB
MAX_DEPTH = 32  # the deepest key of the schema is at 7
_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
MAX_NODES = 500_000  # counted with aliases written out; 1,000 providers take 10,000

# The C parser reads 1,000 providers in 8 ms, the Python one in 200; both give the same events.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_HINTS = {
    "mapping values are not allowed": "a text with ': ' in it needs quotes",
    "cannot start any token": "a text that begins with a special character needs quotes",
}
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")


@dataclass(slots=True)
class Node:
    """A value with its line."""

    value: "str | int | float | bool | list[Node] | dict[str, Entry] | None"
    line: int
    size: int = 1
    """Nodes in it, aliases written out."""
    closed: bool = True


@dataclass(slots=True)
class Entry:
    """One key of a mapping."""

    line: int
    node: Node


@dataclass(slots=True)
class Document:
    """A file that is YAML, whatever it says."""

    root: Node
    problems: list[ConfigError] = field(default_factory=list)
    """What did not stop us from reading on: duplicate keys."""

    def plain(self) -> object:
        """The values without their lines."""
        return _plain(self.root)

    def has(self, path: Path) -> bool:
        """Whether every step of a path exists."""
        return self._find(path)[1] == len(path)

    def line(self, path: Path) -> int:
        """The line of the last step of a path that exists."""
        return self._find(path)[0]

    def _find(self, path: Path) -> tuple[int, int]:
        """The line of the last step that exists, and how many do."""
        node, line, found = self.root, self.root.line, 0
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                entry = node.value[step]
                node, line = entry.node, entry.line
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.line
            else:
                break
            found += 1
        return line, found


def read(text: str, file_name: str) -> Document:
    """The document in a text. Raises ConfigErrors when it is not one YAML document."""
    if len(text) > MAX_BYTES:
        raise ConfigErrors([_whole(file_name, f"is larger than {MAX_BYTES >> 20} MiB")])
    builder = _Builder(file_name)
    try:
        builder.take_all(LOADER(text))
    except yaml.YAMLError as e:
        raise ConfigErrors([*builder.problems, _syntax(e, text, file_name)]) from e
    except UnicodeEncodeError as e:
        raise ConfigErrors([_whole(file_name, "is not text: it has half a character")]) from e
    if builder.root is None:
        raise ConfigErrors([_whole(file_name, "is empty", "start with: version: v0.4.0")])
    return Document(builder.root, builder.problems)


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    node: Node
    mapping: dict[str, Entry] | None
    """What it holds, when that is no list."""
    key: str | None = None
    """The key whose value comes next, and its line."""
    key_line: int = 0
    merged: tuple[dict[str, Entry], ...] = ()
    """What `<<` brought: it yields to keys of the mapping itself, wherever they stand."""

    @property
    def wants_key(self) -> bool:
        return self.mapping is not None and self.key is None


class _Builder:
    """Folds events into nodes."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self.root: Node | None = None
        self.problems: list[ConfigError] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take_all(self, parser: Any) -> None:
        """Every event of a parser. Raises ConfigErrors for what cannot be read around."""
        try:
            # By type, the most frequent first: a large config has an event per word.
            while (event := parser.get_event()) is not None:
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    self._scalar(event, event.start_mark.line + 1)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._close()
                elif kind is yaml.MappingStartEvent:
                    self._open(event, {}, event.start_mark.line + 1)
                elif kind is yaml.SequenceStartEvent:
                    self._open(event, [], event.start_mark.line + 1)
                elif kind is yaml.AliasEvent:
                    self._alias(event.anchor, event.start_mark.line + 1)
                elif kind is yaml.DocumentStartEvent:
                    self._documents += 1
                    if self._documents > 1:
                        line = event.start_mark.line + 1
                        self._stop(
                            line, "a second document starts here", "a config is one document"
                        )
        finally:
            parser.dispose()

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._stack:
            frame = self._stack[-1]
            if frame.mapping is not None and frame.key is None:
                # A key is its text: `8001:` and `true:` are names like any other.
                frame.key, frame.key_line = event.value, line
                return
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._tag(event.tag, line)
        as_text = bool(event.style) or event.tag is not None
        node = Node(event.value if as_text else _resolve(event.value), line)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._put(node)

    def _open(
        self, event: yaml.CollectionStartEvent, value: dict[str, Entry] | list[Node], line: int
    ) -> None:
        if self._stack and self._stack[-1].wants_key:
            self._stop(line, "a key must be a word, not a list or a mapping")
        if event.tag is not None and event.tag != "!":
            self._tag(event.tag, line)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(line, _TOO_DEEP)
        node = Node(value, line, closed=False)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._stack.append(_Frame(node, value if isinstance(value, dict) else None))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.mapping is not None:
            for source in frame.merged:
                for key, entry in source.items():
                    frame.mapping.setdefault(key, entry)
        frame.node.closed = True
        self._put(frame.node)

    def _alias(self, anchor: str | None, line: int) -> None:
        if self._stack and self._stack[-1].wants_key:
            self._stop(line, "a key must be a word, not an alias")
        node = self._anchors.get(anchor or "")
        if node is None:
            self._stop(line, f"alias *{anchor} has no anchor &{anchor} before it")
        if not node.closed:
            self._stop(line, f"alias *{anchor} contains itself")
        self._put(node)

    def _put(self, node: Node) -> None:
        """Hand a finished value to what holds it."""
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        holder = frame.node
        holder.size += node.size
        if holder.size > MAX_NODES:
            self._stop(node.line, f"has more than {MAX_NODES:,} values, aliases written out")
        if frame.mapping is None:
            assert isinstance(holder.value, list)
            holder.value.append(node)
        elif frame.key is not None:
            key, frame.key = frame.key, None
            self._entry(frame, frame.mapping, key, Entry(frame.key_line, node))

    def _entry(self, frame: _Frame, into: dict[str, Entry], key: str, entry: Entry) -> None:
        if key == "<<":
            self._merge(frame, entry)
        elif key in into:
            first = f"the first one is in line {into[key].line}"
            self._problem(entry.line, f"key {key!r} is here twice", first)
        else:
            into[key] = entry

    def _merge(self, frame: _Frame, entry: Entry) -> None:
        node = entry.node
        for source in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(source.value, dict):
                self._stop(entry.line, "'<<' merges mappings only")
            frame.merged += (source.value,)

    def _tag(self, tag: str, line: int) -> NoReturn:
        written = tag.replace("tag:yaml.org,2002:", "!!")
        self._stop(line, f"tag {written} means nothing here", "write plain values")

    def _problem(self, line: int, message: str, hint: str = "") -> None:
        self.problems.append(ConfigError(self.file_name, line, "", message, hint))

    def _stop(self, line: int, message: str, hint: str = "") -> NoReturn:
        self._problem(line, message, hint)
        raise ConfigErrors(self.problems)


def _resolve(text: str) -> str | int | float | bool | None:
    """A plain scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40:  # no number we take is longer, and int() is slow on long ones
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def _plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: _plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return node.value


def _whole(file_name: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError(file_name, 0, "", message, hint)


def _syntax(error: yaml.YAMLError, text: str, file_name: str) -> ConfigError:
    """A parser's complaint, with the line it is about and what is usually behind it."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        line, what = _unprintable(text) or (0, str(error).splitlines()[0])
        return ConfigError(file_name, line, "", f"not YAML: {what}")
    mark = error.problem_mark
    if "nesting depth" in (error.problem or ""):  # libyaml's own limit, met before we see an event
        return ConfigError(file_name, mark.line + 1, "", _TOO_DEEP)
    lines = text.splitlines()
    here = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return ConfigError(
            file_name, mark.line + 1, "", "this line is indented with a tab", "use spaces"
        )
    began = error.context_mark
    hint = next((hint for said, hint in _HINTS.items() if said in (error.problem or "")), "")
    if error.context and began is not None and began.line != mark.line:
        hint = f"{error.context} that starts in line {began.line + 1}"
    return ConfigError(file_name, mark.line + 1, "", f"not YAML: {error.problem}", hint)


def _unprintable(text: str) -> tuple[int, str] | None:
    """The line of the first character that YAML does not allow, and its name."""
    for number, line in enumerate(text.split("\n"), 1):
        for char in line:
            if (ord(char) < 32 and char not in "\t\r") or ord(char) in (127, 0xFFFE, 0xFFFF):
                return number, f"this line has the control character {ord(char):#04x}"
    return None
