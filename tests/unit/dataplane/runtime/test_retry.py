from dataplane.runtime.retry import DEFAULT, Recovery, RetryPolicy


def test_defaults_are_those_of_the_documentation() -> None:
    assert RetryPolicy() == DEFAULT
    assert DEFAULT.num_retries == 2
    assert DEFAULT.stream_recovery is Recovery.CONTINUE


def test_nothing_is_hedged_unless_it_is_wanted() -> None:
    assert DEFAULT.hedge_after_s == 0.0
