"""Tools in namespaces (Responses), for providers whose tools have one flat name.

Rule: a name stays as it is while it is the only one of its kind; else its namespace goes before it.
A call that comes back is found by the same rule.
"""

from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.runtime.protocols import Protocol


class FlatNames:
    """The flat names of one request's tools."""

    def __init__(self, tools: list[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        self._names: dict[tuple[str, str], str] = {}
        counts: dict[str, int] = {}
        for tool in tools:
            counts[tool.name] = counts.get(tool.name, 0) + 1
        for tool in tools:
            flat = tool.name
            if tool.namespace and counts[tool.name] > 1:
                flat = _qualified(tool.namespace, tool.name)
            self._tools[flat] = tool
            self._names[tool.namespace, tool.name] = flat

    def of(self, namespace: str, name: str) -> str:
        """The flat name of a tool, or of a call of it."""
        return self._names.get((namespace, name), name)

    def tool(self, flat: str) -> Tool | None:
        """The tool behind a flat name."""
        return self._tools.get(flat)

    def offered(self, tools: list[Tool], choice: ToolChoice | None) -> list[Tool]:
        """The tools that may be called. Where a protocol cannot name several of them in its choice,
        leaving out the others says the same.
        """
        if choice is None or choice.mode != "tools":
            return tools
        names = choice.names
        if len(names) == 1 and not choice.may:
            return tools
        return [
            tool
            for tool in tools
            if tool.name in names or self.of(tool.namespace, tool.name) in names
        ]


def defines_custom(request: Request, flat: str) -> bool:
    """Whether a call of this name must come back as a call of a custom tool of the client's."""
    for tool in request.tools:
        if tool.kind == "custom" and tool.name == flat:
            return request.protocol in (Protocol.CHAT, Protocol.RESPONSES)
    return False


def _qualified(namespace: str, name: str) -> str:
    return namespace + name if namespace.endswith("_") else f"{namespace}__{name}"
