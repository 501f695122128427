from dataplane.runtime.dialect import PLAIN, Dialect


def test_the_plain_dialect_is_what_most_servers_take() -> None:
    assert Dialect() == PLAIN
    assert PLAIN.stream_usage
    assert PLAIN.json_schema
