from dataplane.runtime.protocols import GENERATION_OF, Operation, Protocol


def test_every_protocol_has_the_operation_that_generates_in_it() -> None:
    assert set(GENERATION_OF) == set(Protocol)
    assert all(operation.protocol is protocol for protocol, operation in GENERATION_OF.items())


def test_what_does_not_generate_has_no_protocol_to_translate() -> None:
    relayed = {operation for operation in Operation if operation.protocol is None}
    assert relayed == {
        Operation.COMPLETIONS,
        Operation.EMBEDDINGS,
        Operation.COUNT_TOKENS,
        Operation.GEMINI_COUNT_TOKENS,
    }
