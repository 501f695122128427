"""Accepted resources as JSON for people, with every secret left out.

A secret's variables and files are shown by name, its literal parts as ***: also a literal can be a
credential.
"""

import asyncio
from collections.abc import Iterator

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from outriderpb.v1 import secret_pb2

from dataplane.xds.decode import DECODERS
from dataplane.xds.resource import Decoded, Resources

HIDDEN = "***"
SLICE = 20
"""Resources per turn of the loop: one takes about 30 us."""

Dump = dict[str, dict[str, dict[str, msgspec.Raw | str]]]


async def dump(resources: Resources) -> Dump:
    """Type URL -> name -> {version, resource}; made in slices, because requests are running."""
    dumped: Dump = {}
    made = 0
    for kind, named in resources.by_kind.items():
        of_kind = dumped.setdefault(kind.url, {})
        for name, one in sorted(named.items()):
            of_kind[name] = {
                "version": one.version,
                "resource": msgspec.Raw(msgspec.json.encode(redacted(one))),
            }
            made += 1
            if made % SLICE == 0:
                await asyncio.sleep(0)
    return dumped


def redacted(one: Decoded) -> dict[str, object]:
    """One resource in protobuf's JSON, without its secrets."""
    message_class, _ = DECODERS[one.kind]
    message = message_class.FromString(one.body)
    for secret in _secrets(message):
        for part in secret.parts:
            if part.WhichOneof("kind") == "literal":
                part.literal = HIDDEN
    as_dict: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    return as_dict


def _secrets(message: Message) -> Iterator[secret_pb2.SecretText]:
    """Every SecretText inside, wherever a later version of the protos puts one."""
    if isinstance(message, secret_pb2.SecretText):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner in value if field.is_repeated else (value,):
            yield from _secrets(inner)
