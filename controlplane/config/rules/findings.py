"""Where rules put what they find; one that stands on a wrong shape is not told twice."""

from collections.abc import Iterable
from difflib import get_close_matches

from controlplane.config.parse import STAND_IN, Parsed, covers
from controlplane.config.problem import ConfigError, Path, one_of

_COMPARED = 200  # names to look for a close one among: 5 us each, and a config can have many


class Findings:
    """Collects problems of one config."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed
        self.problems: list[ConfigError] = []

    def add(self, path: Path, message: str, hint: str = "") -> None:
        """Tell a problem at a place of the config."""
        if not self.blamed(path):
            self.problems.append(self._parsed.error(path, message, hint))

    def blamed(self, path: Path) -> bool:
        """Whether the shape is wrong there, so that the value is not the one in the file."""
        return covers(self._parsed.blamed, path)

    def has(self, path: Path) -> bool:
        """Whether the file has that place itself, and not only one that holds it."""
        return self._parsed.has(path)

    def line(self, path: Path) -> int:
        """The line of a place, for messages that point to a second one."""
        return self._parsed.line(path)

    def once(self, seen: dict[str, Path], name: str, path: Path, what: str) -> None:
        """Tell that a name is taken, else take it."""
        if name in seen:
            hint = f"the first one is in line {self.line(seen[name])}"
            self.add(path, f"another {what} has the name {name!r}", hint)
        else:
            seen[name] = path


def suggest(name: str, known: Iterable[str], what: str) -> str:
    """The hint for a name that nothing has: a close one, or what there is."""
    names = [one for one in known if STAND_IN not in one]
    close = get_close_matches(name, names[:_COMPARED], n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there is {one_of(names)}" if names else f"the config has no {what}"
