from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.converse.codec import CODEC
from dataplane.runtime.protocols import Protocol


def test_the_codec_is_that_of_its_protocol() -> None:
    assert CODECS[Protocol.CONVERSE] is CODEC
