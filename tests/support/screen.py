"""What a user would see of programs that run: their lines, and waiting for one."""

import asyncio
import re


class Screen:
    """Keeps what children of controlplane.cli.supervise said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []
        self._more = asyncio.Event()

    def show(self, name: str, line: str, is_error: bool) -> None:
        """A line of a child; see supervise.Show."""
        self.lines.append((name, line, is_error))
        self._more.set()

    async def until_said(self, pattern: str, times: int = 1, seconds: float = 10) -> re.Match[str]:
        """Wait until a line matched this often; the last match."""
        async with asyncio.timeout(seconds):
            while len(found := self._found(pattern)) < times:
                self._more.clear()
                await self._more.wait()
        return found[times - 1]

    def text(self) -> str:
        """Everything that was said."""
        return "\n".join(line for _, line, _ in self.lines)

    def _found(self, pattern: str) -> list[re.Match[str]]:
        return [m for _, line, _ in self.lines if (m := re.search(pattern, line))]
