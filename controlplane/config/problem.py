"""What is wrong with a config, as an operator wants it told: where, what, and what to do about it.

Problems are values and are collected: a config is refused with all of them, never with the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One thing wrong."""

    file: str
    line: int
    """1-based; 0 when the problem is of the whole file."""
    path: str
    """Place in the config: `listeners[0].agents[1].id`; empty for the whole file."""
    message: str
    hint: str = ""
    """What to do about it; may be empty."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        said = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}: {said} ({self.hint})" if self.hint else f"{where}: {said}"


class ConfigErrors(Exception):
    """A config is refused; `problems` holds everything found, in the order of the file."""

    def __init__(self, problems: Iterable[ConfigError]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.line, p.path, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def show_path(path: Path) -> str:
    """A path as an operator reads it: `listeners[0].port`, `model_aliases['my alias']`."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum() and step.isascii():
            shown += f".{step}" if shown else step
        else:
            shown += f"[{step!r}]"
    return shown


def one_of(words: Iterable[str]) -> str:
    """The words as a list for a sentence: `'a', 'b' or 'c'`; long lists are cut."""
    quoted = [repr(word) for word in words]
    if len(quoted) > 8:
        return f"{', '.join(quoted[:8])} or {len(quoted) - 8} others"
    return " or ".join([*(", ".join(quoted[:-1]),) * (len(quoted) > 1), *quoted[-1:]])
