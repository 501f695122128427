"""Where things are: one service is one set of equal addresses."""

from controlplane.config import values
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings


def check(
    findings: Findings, path: Path, single: tuple[str, str | None], several: tuple[str, ...] | None
) -> None:
    """A service's one URL, or its several: not both, and the several differ in place only.

    :param single: the key and value of the one URL (`url`, `base_url`).
    """
    key, url = single
    if url is not None and several is not None:
        hint = "put it into 'endpoints' too, and remove it"
        findings.add((*path, key), f"{key!r} and 'endpoints' are both given", hint)
    for index, text in enumerate(several or ()):
        first, other = values.read_url((several or ())[0]), values.read_url(text)
        at = (*path, "endpoints", index)
        if (first.scheme, first.path) != (other.scheme, other.path):
            findings.add(
                at, "endpoints may differ in host and port only", f"the first one is {_show(first)}"
            )
        elif other.tls and other.host != first.host:
            hint = "the host is the name that the certificate is checked for"
            findings.add(at, "https endpoints must have the same host", hint)
        elif several and text in several[:index]:
            findings.add(at, f"{text!r} is here twice")


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
