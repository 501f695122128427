"""What a worker tells its parent, as JSON over the worker's unix socket."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from dataplane.observe.metrics import Family, Histogram


class WorkerReport(msgspec.Struct, frozen=True):
    """How one worker is doing."""

    worker: int
    node: str
    pid: int
    ready: bool
    """It has a config and every listener of it is bound."""
    draining: bool
    config_version: str
    type_versions: dict[str, str]
    """Type URL -> version; equal content, equal version in every worker."""
    listeners: dict[str, tuple[str, int]]
    """Name -> the address and port that are really bound."""
    connected: bool
    """To the control plane."""
    current: bool
    """Caught up with that control plane; what is served may be from disk until then."""
    connections: int
    accepted: int
    refused: int
    resources: int
    """Sent by control planes since this worker started."""
    refusals: dict[str, str]
    """Type URL -> reason, while the last answer of that type was a refusal."""


class _Sample(msgspec.Struct, array_like=True, frozen=True):
    labels: tuple[str, ...]
    value: float | Histogram


class _Family(msgspec.Struct, frozen=True):
    """A Family whose samples are a list: JSON keys cannot be tuples."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]
    samples: list[_Sample]


_FAMILIES = msgspec.json.Decoder(list[_Family])
_REPORT = msgspec.json.Decoder(WorkerReport)


def encode_families(families: Iterable[Family]) -> bytes:
    """For the way from a worker to its parent."""
    wire = [
        _Family(
            family.name,
            family.kind,
            family.help,
            family.labels,
            family.buckets,
            [_Sample(labels, value) for labels, value in family.samples.items()],
        )
        for family in families
    ]
    return msgspec.json.encode(wire)


def decode_families(data: bytes) -> list[Family]:
    """The other end. Raises msgspec.MsgspecError."""
    return [
        Family(
            one.name,
            one.kind,
            one.help,
            one.labels,
            {sample.labels: sample.value for sample in one.samples},
            one.buckets,
        )
        for one in _FAMILIES.decode(data)
    ]


def decode_report(data: bytes) -> WorkerReport:
    """The other end of msgspec.json.encode(WorkerReport). Raises msgspec.MsgspecError."""
    return _REPORT.decode(data)
