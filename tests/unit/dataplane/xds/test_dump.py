import json

import msgspec
from outriderpb.v1 import model_pb2

from dataplane.xds.decode import decode
from dataplane.xds.dump import dump
from dataplane.xds.resource import NOTHING, ResourceKind, Resources
from dataplane.xds.secrets import Secrets
from tests.support import ads

PROVIDER = ResourceKind.MODEL_PROVIDER


async def test_secrets_are_shown_by_name_only() -> None:
    message = model_pb2.ModelProvider(name="p", model="m", cluster="c")
    message.apis.add(operation=model_pb2.OPERATION_CHAT, path="/v1/chat/completions")
    key = message.access_keys.add()
    key.parts.add(literal="prefix-secret-")
    key.parts.add(env="KEY")
    message.headers.add(name="x-team").value.parts.add(literal="literal-secret")
    wire = ads.wire(PROVIDER, "p", message)
    one = decode(PROVIDER, wire, NOTHING, Secrets({"KEY": "resolved-secret"}))
    text = msgspec.json.encode(await dump(Resources().with_changes(PROVIDER, [one], ())))
    assert b"secret" not in text
    shown = json.loads(text)[PROVIDER.url]["p"]
    assert shown["version"] == "1"
    assert shown["resource"]["access_keys"] == [{"parts": [{"literal": "***"}, {"env": "KEY"}]}]


async def test_every_resource_is_shown() -> None:
    route = decode(ResourceKind.ROUTE, ads.model_route("l", "a", "x", to="p"), NOTHING, Secrets({}))
    dumped = await dump(Resources().with_changes(ResourceKind.ROUTE, [route], ()))
    shown = json.loads(msgspec.json.encode(dumped))
    assert shown[ResourceKind.ROUTE.url]["l/a"]["resource"]["models"] == ["x"]
