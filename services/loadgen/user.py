"""`ArrivalUser`: what a scenario's load.py derives its users from. Importing this patches the process (Locust).

from loadgen import ArrivalUser, task

class Shopper(ArrivalUser):
    weight = 3

    @task(4)
    def browse(self):
        self.call("browse", "GET", f"/products/{self.random.randrange(100)}")

    @task
    def buy(self):
        order = f"o-{self.random.getrandbits(64):016x}"
        self.call("buy", "POST", "/orders", json={"id": order}, key=order, value=1, ok=lambda r: r.status_code == 201)

    @classmethod
    def final_reads(cls, client, history):
        client.read_back("order", history, writes=["buy"], path=lambda key: f"/orders/{key}", result=lambda r: 1)

What faults made of traffic mean for this API, a class says by hooks: `self.key(usual, hot)` where a hot key may take
the place of the usual one, a method `abuse` (what one arrival of an abusive client does), a method `poison` (one that
brings a message that nobody can process).
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import gevent
from locust import FastHttpUser
from locust.env import Environment

from loadgen.board import Board
from loadgen.keys import Keys
from loadgen.plan import Traffic
from loadgen.recorder import FINAL_READS, Marks, Recorder, Reply, Request
from loadgen.wire import OneTryPool, Sockets, Wire

if TYPE_CHECKING:
    from loadgen.schedule import Arrival

Key = TypeVar("Key")
ANY_STATUS = frozenset(range(1000))
NO_ARRIVAL = -1
"""What final reads belong to."""
RESULT_BYTES = 65536
"""Most that one answer may put into the history, which is kept, sent and checked as a whole."""
READERS = 8
"""Final reads at a time: the lab has no other load then."""
READ_TRIES = 3
READ_PAUSE_SECONDS = 0.5
"""Before a final read is tried again."""


class LoadEnvironment(Environment):
    """Locust's environment, with what the users of one run share."""

    def __init__(
        self,
        *,
        host: str,
        recorder: Recorder,
        sockets: Sockets,
        deadline: float,
        board: Board,
        faults: Sequence[Traffic] = (),
    ) -> None:
        super().__init__(host=host)
        self.recorder = recorder
        self.board = board
        self.faults = faults
        self.sockets = sockets
        self.deadline = deadline
        self.keys = Keys()


class ArrivalUser(FastHttpUser):
    """Runs one task per arrival. `weight` shares out the arrivals among classes, `@task` weights among their tasks.

    Instances are used again for later arrivals; nothing carries over, cookies neither. A class method
    `final_reads(cls, client, history)` may read back what the checks have to know, by `client.read_back(…)` or
    `client.call(…)`, after the drain; `history` is the list of all that was sent.
    """

    abstract = True
    max_redirects = 0
    ops: ClassVar[Sequence[str]] = ()
    """Operations whose names are not written out in a `self.call("name", …)`."""

    random: Random
    """Seeded for each arrival: what a task draws must come from here, so that the same seed gives the same requests."""

    def __init__(self, environment: LoadEnvironment) -> None:
        self.host = environment.host
        self._wire = Wire(environment.sockets)
        self.client_pool = OneTryPool(self._wire)
        super().__init__(environment)
        agent = self.client.client
        agent.cookiejar = None
        agent.valid_response_codes = ANY_STATUS  # type: ignore[misc]  # whether one is good is for `ok` to say
        self._recorder = environment.recorder
        self._board = environment.board
        self._faults = environment.faults
        self._deadline = environment.deadline
        self._rotating = environment.keys
        self._arrival, self._due, self._calls = 0, 0.0, 0
        self._until: float | None = None
        self._own, self._keys = "", 0
        self._effects: list[str] = []

    def arrive(self, arrival: Arrival, rng: Random) -> None:
        """Become the user of an arrival."""
        self._arrival, self._due, self._calls, self._keys = arrival.index, arrival.due, 0, 0
        self._own = arrival.fault.own if arrival.fault else ""
        # What the next request shows of faults, once it is sent.
        self._effects = [arrival.fault.name] if arrival.fault else []
        self.random = rng

    def key(self, usual: Key, hot: Key) -> Key:
        """The key that a request is about: `usual`, or `hot` for the share that a fault `hot_key` takes while it is on.

        The draw is not from `self.random`: what else a task draws is the same with the fault and without.
        """
        self._keys += 1
        for fault in self._faults:
            if fault.hot and self._on(fault, self._due):
                rng = Random(f"hot/{fault.seed}/{self._arrival}/{self._keys}")  # noqa: S311 (a schedule, not a secret)
                chosen = rng.random() < fault.hot
                self._board.arm(fault.name, due=chosen)
                if chosen:
                    self._effects.append(fault.name)
                    return hot
        return usual

    def _on(self, fault: Traffic, moment: float) -> bool:
        """Whether a fault is on at `moment` (seconds after the mark)."""
        clock = self._recorder.clock
        return fault.start <= moment < fault.end and self._board.open(fault.name, clock.unix(clock.now()))

    def read_finally(self, until: float) -> None:
        """From now on calls are final reads; `read_back` begins none after `until` (seconds after the mark)."""
        self._arrival, self._calls, self._until = NO_ARRIVAL, 0, until

    def call(
        self,
        op: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        value: Any = None,
        ok: Callable[[Any], bool] | None = None,
        result: Callable[[Any], Any] | None = None,
        session: str | None = None,
        token: float | None = None,
        site: str | None = None,
    ) -> Any:
        """Send one request, record it in the history as `op`, and give the response, or None when none came in time.

        `ok(response)` says whether it was answered well (default: status below 400; an exception in it is a no).
        `result(response)` gives a small JSON value for the history when it was. A request that got no answer is
        unknown once it was sent, and failed when it never was. For the checks: `key` is what it acts on, `value` what
        it stores or sends, `session` whose request it is (each arrival is one), `token` a fencing token, `site` who is
        asked.
        """
        marks = Marks(session, token, site)
        attempt = partial(self._attempt, op, method, path, json, headers, key, value, ok, result, marks)
        request, reply, response = attempt(self._own)
        if not self._own and self._until is None:
            for fault in self._faults:
                if fault.retries and self._on(fault, request.intended):
                    response = self._insist(fault, attempt, request, reply, response)
        return response

    def _insist(
        self, fault: Traffic, attempt: Callable[..., Any], request: Request, reply: Reply, response: Any
    ) -> Any:
        """Send again what was not answered well, as the clients of a retry storm do; gives the last response."""
        self._board.arm(fault.name, due=reply.outcome != "ok")
        for number in range(fault.retries):
            if reply.outcome == "ok":
                break
            gevent.sleep(fault.delay)
            if not self._on(fault, self._recorder.clock.now()):
                break
            if number == 0:
                self._effects.append(fault.name)
            self._rotating.again(request.key)
            _, reply, response = attempt(fault.name)
        return response

    def _attempt(
        self,
        op: str,
        method: str,
        path: str,
        json: Any,
        headers: dict[str, str] | None,
        key: str | None,
        value: Any,
        ok: Callable[[Any], bool] | None,
        result: Callable[[Any], Any] | None,
        marks: Marks,
        fault: str,
    ) -> tuple[Request, Reply, Any]:
        """One request on the wire and in the history; `fault` is the one that it belongs to, empty for clients'."""
        request = self._begin(self._request(op, key, value, fault, marks))
        try:
            with self._send(op, method, path, json, headers) as response:
                reply = _judge(response, self._wire.sent, ok, result)
                if reply.outcome != "ok":
                    response.failure(reply.error or reply.outcome)
        except gevent.GreenletExit:  # The drain is over.
            reply = Reply("unknown" if self._wire.sent else "failed", error="cut off")
            self._recorder.settle(request, reply)
            self._tell_locust(op, method, reply)
            raise
        finally:
            self._wire.drop()
        self._recorder.settle(request, reply)
        if reply.status is not None and reply.status < 500:
            self._rotating.settle(key)
        return request, reply, None if reply.status is None else response

    def observe(
        self,
        op: str,
        *,
        key: str | None = None,
        value: Any = None,
        result: Any = None,
        session: str | None = None,
        token: float | None = None,
        site: str | None = None,
    ) -> None:
        """Record what came just now without a request of its own, such as a message on a stream, for the checks.

        It is in the history and in no metric.
        """
        self._recorder.observe(self._request(op, key, value, "", Marks(session, token, site)), result)

    def rotating_key(self, prefix: str, *, calls: int, side_by_side: int = 4) -> str:
        """A key for the check `linearizable`, for at most `calls` requests of this task on it.

        `side_by_side` keys are in use at once, for requests to meet on them. Another takes the place of one that has
        90 requests, or 8 whose outcome is unknown or yet to come. Which key comes depends on the answers before, so
        the same seed need not give the same keys.
        """
        return self._rotating.take(prefix, side_by_side, calls, self.random)

    def read_back(
        self,
        op: str,
        history: Iterable[Mapping[str, Any]],
        *,
        path: Callable[[str], str],
        result: Callable[[Any], Any],
        writes: Sequence[str] | None = None,
        absent: Sequence[int] = (404,),
        headers: dict[str, str] | None = None,
        site: str | None = None,
    ) -> None:
        """For `final_reads`: read every key that `writes` (all operations when left out) were sent for, as `op`.

        `path(key)` is what to GET, `result(response)` what is there; a status in `absent` says that nothing is. A read
        that gets no good answer is tried again, up to 3 times, while there is time.
        """
        keys = list(dict.fromkeys(
            each["key"] for each in history if each["key"] is not None and (writes is None or each["op"] in writes)
        ))  # fmt: skip
        keys.reverse()

        def ok(response: Any) -> bool:
            return response.status_code < 400 or response.status_code in absent

        def content(response: Any) -> Any:
            return None if response.status_code in absent else result(response)

        def work(reader: ArrivalUser) -> None:
            while keys and reader._in_time():
                reader._read(op, keys.pop(), path, ok=ok, result=content, headers=headers, site=site)

        readers = [self, *(self._beside() for _ in range(READERS - 1))]
        gevent.joinall([gevent.spawn(work, each) for each in readers], raise_error=True)

    def _beside(self) -> ArrivalUser:
        """Another one of its kind, with a connection of its own, for the final reads."""
        other = type(self)(self.environment)
        other.read_finally(self._until or 0.0)
        return other

    def _in_time(self) -> bool:
        return self._until is not None and self._recorder.clock.now() < self._until

    def _read(self, op: str, key: str, path: Callable[[str], str], ok: Callable[[Any], bool], **more: Any) -> None:
        for attempt in range(READ_TRIES):
            if attempt:
                gevent.sleep(READ_PAUSE_SECONDS * attempt)
            if not self._in_time():
                return
            response = self.call(op, "GET", path(key), key=key, ok=ok, **more)
            if response is not None and ok(response):
                return

    def _request(self, op: str, key: str | None, value: Any, fault: str, marks: Marks) -> Request:
        now = self._recorder.clock.now()
        final = self._until is not None
        intended = now if self._calls or final else self._due
        phase = FINAL_READS if final else self._recorder.phase(intended)
        if final and marks.session is None:
            marks = marks._replace(session=FINAL_READS)  # never that of an arrival
        request = Request(self._arrival, self._calls, op, key, value, phase, intended, now, fault, marks)
        self._calls += 1
        return request

    def _begin(self, request: Request) -> Request:
        self._recorder.offer(request)
        self._wire.begin(self._show if self._effects else None)
        return request

    def _show(self) -> None:
        clock = self._recorder.clock
        for fault in self._effects:
            self._board.sent(fault, clock.unix(clock.now()))
        self._effects = []

    def _tell_locust(self, op: str, method: str, reply: Reply) -> None:
        # Locust's client says nothing of a request that is cut off; its statistics would then be short of it.
        self.environment.events.request.fire(
            request_type=method,
            name=op,
            response_time=None,
            response_length=0,
            exception=Exception(reply.error),
            context={},
        )

    def _send(self, op: str, method: str, path: str, json: Any, headers: dict[str, str] | None) -> Any:
        # Locust's client turns the time-out into a response without status, like any other lack of an answer.
        with gevent.Timeout(self._deadline):
            return self.client.request(method, path, name=op, json=json, headers=headers, catch_response=True)


def _judge(response: Any, sent: bool, ok: Callable[[Any], bool] | None, result: Callable[[Any], Any] | None) -> Reply:
    if response._response is None or not response._response.message_complete:
        return Reply("unknown" if sent else "failed", error=_cause(response.request_meta["exception"]))
    status = response.status_code
    try:
        if not (ok(response) if ok else status < 400):
            return Reply("failed", status)
        said = result(response) if result else None
        if (size := len(jsonlib.dumps(said))) > RESULT_BYTES:
            return Reply("failed", status, error=f"result(response) must be {RESULT_BYTES} bytes or less, got {size}")
        return Reply("ok", status, said)
    except Exception as error:  # An answer that `ok` can't even read is not a good one; the history says why.
        return Reply("failed", status, error=repr(error))


def _cause(error: Any) -> str:
    cause = getattr(error, "original", error)  # What Locust's client wraps carries the URL; the cause does not.
    return "no answer within the deadline" if isinstance(cause, gevent.Timeout) else repr(cause)
