"""A request that needs nothing but bytes: from the front's message to the upstream and back, by
callbacks.

The rule: what was begun towards the client is finished whole or cut, never ended cleanly half-way.
An answer is re-framed once per read and, once it is begun, not looked into. The way up is in
sending.py, what becomes of failures in trying.py.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.llm.error_faults import failure_in_band, fault_of
from dataplane.llm.hub.answer import Failure
from dataplane.runtime.fault import Fault
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.answers import LAST_CHUNK, chunk
from dataplane.server.passing import EVENT_PROTOCOLS, NO_END, Passing, Told, is_whole
from dataplane.server.recovering import Recovering
from dataplane.server.relayed_head import FRAMING, head_of
from dataplane.server.translated import Translated
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure

if TYPE_CHECKING:
    from dataplane.server.candidates import Candidate

CLIENT_CLOSED = 499
"""What logs say when the client left before an answer began (nginx's number)."""
_BAD_TRANSFER = UpstreamFailure(
    Phase.ANSWER,
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR,
    "The upstream failed: its Transfer-Encoding is not `chunked`.",
)


class Relay(Recovering):
    """One exchange on the relay path."""

    __slots__ = ()

    # -- on the way down

    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        """See Reader."""
        head = b""
        if not self.sent:
            tally = self.tally
            if not done or tally.stream or upstream.status >= 400 or self._held is not None:
                judged = self.judged(upstream, body, done)
                if judged is None:
                    return
                body = judged
            candidate = self._candidate
            assert candidate is not None
            if not candidate.plain:
                self.tell_keys(upstream)
            if not candidate.breaker.calm and upstream.status < 400:
                candidate.breaker.succeeded(self, self.serving.now())
            made = head_of(self, upstream)
            if made is None:
                upstream.abort()
                self.fail(_BAD_TRANSFER)
                return
            head = made
            protocol = self.ask.protocol
            self.sent = True
            now = tally.first_byte = self.serving.now()
            if done and body and not self.chunked and not self.streams:
                # a whole answer in one read: most are
                tally.bytes_sent = len(body)
                self.front.write(head + body)
                self._done(upstream, body, now)
                return
            if self.streams and upstream.status == 200 and protocol in EVENT_PROTOCOLS:
                if done and is_whole(protocol, body):  # most bursts are
                    self._write(head, body, True)
                    self._done(upstream, body, now)
                    return
                self._passing = Passing(protocol, self.keeps(candidate))
            self._commit(candidate, done)
        passing = self._passing
        if passing is not None:
            body = passing.feed(body, done)
            if passing.told is not None or (done and not passing.whole):
                if done:
                    self.release(upstream)
                else:
                    self.stop_upstream()
                self._write(head, body, False)
                self.tally.more(body)
                self._broke_off(passing)
                return
            if done:
                body += passing.last_words()
        self._write(head, body, done)
        if done:
            self._done(upstream, body, self.serving.now())
        elif body:
            self._touched = self.serving.now()
            self.tally.more(body)
            if self.tally.charge is not None:
                self.tally.charge.delivered(body)
            if self._pace is not None:
                self._pace.feed(body)

    def _write(self, head: bytes, body: bytes, done: bool) -> None:
        size = len(body)
        if size:
            self.tally.bytes_sent += size
            if self.chunked:
                end = b"\r\n0\r\n\r\n" if done else b"\r\n"
                data = b"".join((head, b"%x\r\n" % size, body, end))
            else:
                data = head + body
        else:
            data = head + LAST_CHUNK if done and self.chunked else head
        if data:
            self.front.write(data)

    def _commit(self, candidate: "Candidate", done: bool) -> None:
        """The client gets the beginning of an answer: what it was asked for is not needed any more,
        but to go on with a stream that breaks.
        """
        self._request = b""
        if self._passing is None or self._passing.kept is None:
            self.forget()
        if not done:
            now = self.serving.now()
            self.due_at(now + candidate.look_s)
            if self.tally.stream and candidate.paced:
                self.watch_pace(candidate, now)

    def _done(self, upstream: UpstreamConnection, body: bytes, now: float) -> None:
        """All of the answer is passed on."""
        upstream.release(now)
        self._upstream = None
        self.tally.last(body)
        self._close(now)
        self.front.ended(now)

    def _broke_off(self, passing: Passing) -> None:
        """The provider has ended a stream too early, or says that it failed."""
        if passing.told is None:
            self.fail(NO_END)
            return
        self.failed_inside(
            failure_in_band(self.ask.shape, passing.told), ResponseDetail.UPSTREAM_ERROR
        )

    def failed_inside(
        self, told: Failure, detail: ResponseDetail = ResponseDetail.UPSTREAM_PROTOCOL_ERROR
    ) -> None:
        """The provider says in its stream that there will be no end."""
        passing, candidate = self._passing, self._candidate
        if candidate is not None and (passing is None or not passing.whole):
            candidate.breaker.failed(self, fault_of(told), self.serving.now())
            self.tell_endpoint(0)
        self.broke(UpstreamFailure(Phase.ANSWER, detail, told.message), told)

    def broke(self, failure: UpstreamFailure, told: Failure | None = None) -> None:
        """See Trying."""
        passing = self._passing
        if passing is not None and passing.whole:
            self._finish_stream(passing)
        elif not self.recovers(failure, told):
            self.cut(failure.detail, failure.message, failure.status, told)

    def look_at_stream(self, now: float) -> None:
        """See Trying: whether its end came without that of the body, or nothing comes any more."""
        upstream = self._upstream
        quiet_s = now - self._touched
        passing, translated = self._passing, self._translated
        candidate = self._candidate
        assert candidate is not None
        idle_s = candidate.policy.idle_timeout_s
        if upstream is not None and upstream.paused:
            self._touched = now  # it is the client who is slow
        elif passing is not None and passing.whole and quiet_s >= candidate.look_s:
            self.stop_upstream()
            self._finish_stream(passing)
            return
        elif translated is not None and quiet_s >= candidate.look_s and translated.is_whole():
            self.stop_upstream()
            translated.settle()
            return
        elif (idle_s and quiet_s >= idle_s) or (self.waits and now >= self._until):
            self.stop_upstream()
            self.fail(
                UpstreamFailure(
                    Phase.ANSWER,
                    ResponseDetail.UPSTREAM_SILENT,
                    f"The upstream failed: nothing came of it for {quiet_s:.3g} s.",
                )
            )
            return
        self.due_at(now + candidate.look_s)

    def _finish_stream(self, passing: Passing) -> None:
        """A stream has its end, although its body has none."""
        self._upstream = None
        last = passing.last_words()
        self.tally.bytes_sent += len(last)
        self.finish(chunk(last) if last and self.chunked else last)

    # -- an answer that somebody else writes

    def translated(self) -> Translated:
        """See Sending."""
        return Translated(self, self.ask.shape)

    def collects(self) -> None:
        """A stream has content that somebody else collects: the client waits for all of it."""
        candidate = self._candidate
        if self._pace is None and candidate is not None and candidate.paced:
            self.watch_pace(candidate, self.serving.now())

    def begin(self, status: int, lines: bytes, sized: bool) -> bytes:
        """A head: its status and headers, its length among them when it is `sized`."""
        front = self.front
        self.chunked = chunked = not sized and not front.http10
        self.tally.status = status
        self.tally.first_byte = now = self.serving.now()
        self.sent = True
        candidate = self._candidate
        assert candidate is not None
        if not candidate.breaker.calm and status < 400:
            candidate.breaker.succeeded(self, now)
        self._request = b""
        if sized or not self.keeps(candidate):
            self.forget()
        else:
            self.delivered = Told()
        if not sized:
            self.due_at(now + candidate.look_s)
            if candidate.paced:
                self.watch_pace(candidate, now)
        return lines + FRAMING[chunked, front.closes()]

    def piece(self, data: bytes) -> bytes:
        """A piece of the body, as it is sent."""
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> tuple[bytes, ...]:
        """The same, for those who join it with more: data may be long."""
        size = len(data)
        self.tally.bytes_sent += size
        if self.tally.charge is not None:
            self.tally.charge.delivered(data)
        return (b"%x\r\n" % size, data, b"\r\n") if self.chunked else (data,)

    def heard(self, body: bytes) -> None:
        """Something came of the provider, for whoever reads it."""
        if self._pace is not None:
            self._pace.feed(body)
        self._touched = self.serving.now()
        if not self.sent and self._startup is None:
            self._request = b""

    def release(self, upstream: UpstreamConnection) -> None:
        """The provider has said everything."""
        upstream.release(self.serving.now())
        self._upstream = None

    def finish(self, *last: bytes) -> None:
        """The answer is complete; `last` are the pieces that are still to be sent of it."""
        data = b"".join((*last, LAST_CHUNK) if self.chunked else last)
        if data:
            self.front.write(data)
        self.stop_upstream()
        now = self.serving.now()
        self._close(now)
        self.front.ended(now)

    # -- what the front tells

    def pause(self) -> None:
        """The client reads slowly."""
        if self._pace is not None:
            self._pace.paused(self.serving.now())
        if self._upstream is not None:
            self._upstream.pause()

    def resume(self) -> None:
        """The client reads again."""
        if self._pace is not None:
            self._pace.resumed(self.serving.now())
        if self._upstream is not None:
            self._upstream.resume()

    def cancel(self) -> None:
        """The client has left: so may the upstream."""
        if not self.all_said:
            self.tally.detail = ResponseDetail.DOWNSTREAM_GONE
        if not self.sent:
            self.tally.status = CLIENT_CLOSED
        self.stop_upstream()
        self._close(self.serving.now())

    def on_deadline(self) -> None:
        """The listener's timeout has passed."""
        candidate = self._candidate
        if candidate is not None and not self.sent and self._trials is None:
            # (a later attempt had less than the whole time, so that tells nothing)
            candidate.breaker.failed(self, Fault.SILENT, self.serving.now())
            self.tell_endpoint(0)
        self.stop_upstream()
        message = (
            "The answer took longer than the listener's timeout of "
            f"{self.serving.listener.timeout_s:g} s."
        )
        if self.sent:
            self.cut(ResponseDetail.DEADLINE_EXCEEDED, message, 504)
        else:
            self.refuse(LocalReply(504, message, ResponseDetail.DEADLINE_EXCEEDED))

    # -- the end

    def stop_upstream(self) -> None:
        """Nothing more is wanted of the provider."""
        upstream = self._upstream
        if upstream is not None:
            self._upstream = None
            upstream.abort()

    def refuse(self, reply: LocalReply) -> None:
        """Answer by ourselves."""
        if self._trials is not None and reply.detail is not ResponseDetail.DEADLINE_EXCEEDED:
            race = self._trials.race
            if race is not None:
                race.goes_on_without(self)
                self._let_go(whole=False, now=self.serving.now())
                return
        self.stop_upstream()
        tally = self.tally
        tally.status, tally.detail = reply.status, reply.detail
        if tally.charge is not None:
            reply = replace(reply, headers=(*reply.headers, *tally.charge.headers))
        if self._trials is not None:
            told = ("x-outrider-attempts", str(self.tally.attempts))
            reply = replace(reply, headers=(*reply.headers, told))
        now = self.serving.now()
        self._close(now)
        self.front.reply(reply, now)

    def cut(
        self, detail: ResponseDetail, message: str, status: int, told: Failure | None = None
    ) -> None:
        """End an answer that was begun; the client of a stream is told why in-band, in the words of
        the provider where it has `told` any.
        """
        failure = told or Failure(status, message, code=detail.value)
        rescue = self._rescue
        if rescue is not None:
            last = rescue.last_words(failure)
            self.tally.told(rescue.used)
            self.front.write(self.piece(last) if last else b"")
        elif self._translated is not None:
            self._translated.last_words(failure)
        elif self._passing is not None:
            self.front.write(self.piece(self._passing.error_event(failure)))
        self.tally.detail = detail
        self._close(self.serving.now())
        self.front.cut()

    def _close(self, now: float) -> None:
        """Tell what happened."""
        self.over = True
        if self._late_queue is not None:
            self._late_queue.remove(self)
        self._translated = None
        tally = self.tally
        if tally.charge is not None:
            tally.charge.close()
        if self._trials is not None:
            self._trials.close()
            tally.failures = self._trials.failures
            tally.wasted_tokens = self._trials.wasted_tokens
        if self._rescue is not None:
            self._rescue.machine.close()
            tally.recovery = self._rescue.way.how.value
        candidate = self._candidate
        if candidate is None:
            self.records.finish_later(tally, now, None)
            return
        endpoint = self._endpoint
        if endpoint is not None:
            if self._taken is not None:
                tally.watch = self._taken.watch
            if endpoint.watch is not None and self.sent and tally.status < 400:
                self._tell_end(endpoint.watch, endpoint)
            self._part_with(endpoint)
            tally.endpoint = endpoint.label
        if not candidate.breaker.calm:
            candidate.breaker.abandoned(self)
        tally.route = candidate.route_name
        tally.provider = candidate.name
        tally.upstream_model = candidate.model
        self.records.finish_later(tally, now, candidate.series)
