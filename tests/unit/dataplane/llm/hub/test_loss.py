from dataplane.llm.hub.loss import SHOWN, Losses
from dataplane.llm.hub.request import Request
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.protocols import Protocol


def losses() -> Losses:
    return Losses(Request("m", False, Protocol.GEMINI, [], said={"top_k": "generationConfig.topK"}))


def test_nothing_lost_is_no_refusal() -> None:
    lost = losses()
    lost.hint("user")
    assert lost.refusal(Protocol.CHAT) is None


def test_refusal_names_fields_as_the_client_does() -> None:
    lost = losses()
    lost.refuse("top_k")
    lost.refuse("seed")
    reply = lost.refusal(Protocol.CHAT)
    assert reply is not None
    assert (reply.status, reply.detail) == (400, ResponseDetail.UNTRANSLATABLE)
    assert "`generationConfig.topK`, `seed`" in reply.message


def test_a_loss_is_told_once() -> None:
    lost = losses()
    lost.refuse("top_k")
    lost.refuse("top_k")
    lost.hint("user")
    assert lost.dropped() == ("generationConfig.topK", "user")


def test_long_lists_are_shortened() -> None:
    lost = losses()
    for number in range(SHOWN + 2):
        lost.refuse(f"messages[{number}]: audio")
    reply = lost.refusal(Protocol.MESSAGES)
    assert reply is not None
    assert reply.message.endswith("and 2 more.")


def test_one_answer_in_words_cannot_be_several_or_spoken() -> None:
    asked = Request("m", False, Protocol.CHAT, [], n=1, modalities=["TEXT"])
    lost = Losses(asked)
    lost.only_one_text()
    assert lost.dropped() == ()
    asked.n, asked.modalities = 2, ["text", "audio"]
    lost.only_one_text()
    assert lost.dropped() == ("n", "modalities")
