"""Where things are: one service is one set of equal addresses."""

from controlplane.config import values
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings
from controlplane.config.schema_clusters import Endpoint


def check(
    findings: Findings,
    path: Path,
    single: tuple[str, str | None],
    several: tuple[Endpoint, ...] | None,
) -> None:
    """A service's one URL, or its several: not both, and the several differ in place only.

    :param single: the key and value of the one URL (`url`, `base_url`).
    """
    key, url = single
    if url is not None and several is not None:
        hint = "put it into 'endpoints' too, and remove it"
        findings.add((*path, key), f"{key!r} and 'endpoints' are both given", hint)
    seen: list[str] = []
    first: values.Url | None = None
    for index, one in enumerate(several or ()):
        at, other = place(path, index, findings), values.read_url(one.url)
        if findings.blamed(at):
            continue
        first = first or other
        if (first.scheme, first.path) != (other.scheme, other.path):
            findings.add(
                at, "endpoints may differ in host and port only", f"the first one is {_show(first)}"
            )
        elif other.tls and other.host != first.host:
            hint = "the host is the name that the certificate is checked for"
            findings.add(at, "https endpoints must have the same host", hint)
        elif one.url in seen:
            findings.add(at, f"{one.url!r} is here twice")
        seen.append(one.url)


def place(path: Path, index: int, findings: Findings) -> Path:
    """Where the URL of an endpoint is written."""
    at = (*path, "endpoints", index)
    return (*at, "url") if findings.has((*at, "url")) else at


def _show(url: values.Url) -> str:
    return f"{url.scheme}://{url.authority}{url.path}"


def check_suffix(findings: Findings, path: Path, url: str, suffixes: tuple[str, ...]) -> None:
    """A URL that already ends with what we add would be called with it twice."""
    have = values.read_url(url)
    for suffix in suffixes:
        if have.path.endswith(suffix):
            rest = f"{have.scheme}://{have.authority}{have.path.removesuffix(suffix)}"
            findings.add(path, f"{url!r} ends with {suffix}, which is added to it", f"write {rest}")
            return
