from dataplane.resilience.timeouts import Limit, before_content, before_head, in_content
from dataplane.runtime.retry import RetryPolicy

SENT = 1000.0
DEADLINE = SENT + 300.0
NONE = RetryPolicy(idle_timeout_s=0.0)
IDLE = RetryPolicy(idle_timeout_s=60.0)
TRY = RetryPolicy(idle_timeout_s=60.0, per_try_timeout_s=20.0)
TOKEN = RetryPolicy(idle_timeout_s=60.0, first_token_timeout_s=10.0)


def silent(at: float) -> Limit:
    return Limit(at, is_deadline=False)


def test_without_limits_there_is_the_deadline() -> None:
    over = Limit(DEADLINE, is_deadline=True)
    assert before_head(NONE, SENT, DEADLINE, stream=True) == over
    assert before_content(NONE, SENT, SENT, SENT, DEADLINE) == over
    assert in_content(NONE, SENT, DEADLINE) == over


def test_a_stream_must_not_be_silent_before_its_head() -> None:
    assert before_head(IDLE, SENT, DEADLINE, stream=True) == silent(SENT + 60)


def test_an_answer_that_is_no_stream_may_take_its_time() -> None:
    assert before_head(IDLE, SENT, DEADLINE, stream=False).is_deadline


def test_an_attempt_has_its_own_limit_within_the_deadline() -> None:
    assert before_head(TRY, SENT, DEADLINE, stream=False) == silent(SENT + 20)
    assert before_head(TRY, SENT, SENT + 5, stream=True) == Limit(SENT + 5, is_deadline=True)


def test_the_first_token_has_a_limit_from_the_head_on() -> None:
    assert before_content(TOKEN, SENT, SENT + 3, SENT + 9, DEADLINE) == silent(SENT + 13)


def test_pings_do_not_move_the_limits_of_the_first_token_and_the_attempt() -> None:
    assert before_content(TRY, SENT, SENT + 3, SENT + 19, DEADLINE) == silent(SENT + 20)


def test_content_moves_the_limit_of_silence() -> None:
    assert in_content(TRY, SENT + 100, DEADLINE) == silent(SENT + 160)
    assert in_content(TRY, SENT + 290, DEADLINE).is_deadline
