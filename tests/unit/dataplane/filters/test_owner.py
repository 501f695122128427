from dataplane.filters.owner import owner_of
from dataplane.runtime.messages import Request
from dataplane.runtime.principal import Principal


def test_an_owner_is_the_tenant_else_the_caller_else_the_credential() -> None:
    request = Request("POST", "/", (("authorization", "Bearer k1"),))
    assert owner_of(request, Principal("anna", "acme")) == "tenant acme"
    assert owner_of(request, Principal("anna")) == "caller anna"
    one, other = (
        owner_of(request, None),
        owner_of(Request("POST", "/", (("x-api-key", "k"),)), None),
    )
    assert one != other
    assert "k1" not in one
    assert owner_of(Request("POST", "/"), None) == ""
