"""Work off the event loop: a bounded queue, deadlines, those who hang up, and the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from mien.server.caller import Caller, Role
from mien.server.errors import Busy, ClientGone
from mien.server.inference import Inference, Ticket
from mien.server.room import Room
from mien.server.routes.attending import attended

WHO = "key one"


@contextmanager
def opened(threads: int = 1, queue: int = 2, deadline_seconds: float = 60.0) -> Iterator[Inference]:
    """Without networks: only `analyze` would need them."""
    inference = Inference(threads, queue, deadline_seconds)
    try:
        yield inference
    finally:
        inference.close()


class Held:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_end.wait(60)
        return "done"


async def done(inference: Inference, work: Callable[[], Any], who: str = WHO) -> Any:
    return await inference.submit(who, work)


async def begun(held: Held) -> None:
    await asyncio.to_thread(held.begun.wait, 60)


def test_what_work_returns_and_raises_comes_back() -> None:
    async def ask(inference: Inference) -> None:
        assert await inference.submit(WHO, lambda: 7) == 7
        assert await inference.submit(WHO, lambda: threading.current_thread().name) != threading.current_thread().name
        with pytest.raises(KeyError):
            await inference.submit(WHO, lambda: dict[str, int]()["nothing"])

    with opened() as inference:
        asyncio.run(ask(inference))


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    async def ask(inference: Inference) -> None:
        held = Held()
        first = inference.submit(WHO, held)
        await begun(held)
        waiting = [inference.submit(WHO, lambda: "late") for _ in range(2)]
        assert (inference.working, inference.waiting) == (1, 2)
        with pytest.raises(Busy) as refused:
            inference.submit(WHO, lambda: "never")
        assert refused.value.retry_after is not None and refused.value.retry_after >= 1
        held.may_end.set()
        assert await first == "done"
        assert [await one for one in waiting] == ["late", "late"]

    with opened() as inference:
        asyncio.run(ask(inference))


def test_ten_times_the_load_leaves_nothing_behind() -> None:
    async def ask(inference: Inference) -> list[Any]:
        return await asyncio.gather(*(done(inference, lambda: 1) for _ in range(200)), return_exceptions=True)

    with opened(threads=2, queue=20) as inference:
        found = asyncio.run(ask(inference))
        assert (inference.waiting, inference.working) == (0, 0)
    assert {type(one) for one in found} == {int, Busy}
    assert found.count(1) >= 20


def test_callers_take_turns() -> None:
    order: list[str] = []

    async def ask(inference: Inference) -> None:
        held = Held()
        first = inference.submit("a", held)
        await begun(held)
        asked = [*("a0", "a1", "a2", "a3"), *("b0", "b1"), "c0"]
        waiting = [inference.submit(name[0], lambda name=name: order.append(name)) for name in asked]
        held.may_end.set()
        await first
        for one in waiting:
            await one

    with opened(queue=7) as inference:
        asyncio.run(ask(inference))
    assert order == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_who_fills_the_queue_makes_room_for_others_until_all_have_the_same() -> None:
    """The newest of whoever has most is refused; nobody loses a place to one who then has more."""
    order: list[str] = []

    async def ask(inference: Inference) -> None:
        held = Held()
        first = inference.submit("a", held)
        await begun(held)
        waiting: dict[str, Ticket[None]] = {}

        def submit(name: str) -> None:
            waiting[name] = inference.submit(name[0], lambda: order.append(name))

        for name in ("a0", "a1", "a2", "a3", "b0"):
            submit(name)
        with pytest.raises(Busy) as refused:
            await waiting.pop("a3")
        assert refused.value.retry_after is not None and inference.waiting == 4
        with pytest.raises(Busy):
            submit("a4")
        submit("b1")
        with pytest.raises(Busy):
            await waiting.pop("a2")
        for name in ("a5", "b2"):
            with pytest.raises(Busy):
                submit(name)
        submit("c0")
        held.may_end.set()
        await first
        found = await asyncio.gather(*(_outcome(one) for one in waiting.values()))
        assert found.count(Busy) == 1

    with opened(queue=4) as inference:
        asyncio.run(ask(inference))
    assert order == ["a0", "b0", "c0", "b1"]


async def _outcome(ticket: Ticket[None]) -> object:
    try:
        return await ticket
    except Busy:
        return Busy


def test_work_that_waited_too_long_is_refused_and_never_done() -> None:
    done: list[str] = []

    async def ask(inference: Inference) -> None:
        held = Held()
        first = inference.submit(WHO, held)
        await begun(held)
        with pytest.raises(Busy, match="waited too long"):
            await inference.submit(WHO, lambda: done.append("done"))
        held.may_end.set()
        # What has begun is not cut off by its deadline.
        assert await first == "done"
        assert await inference.submit(WHO, lambda: "next") == "next"

    with opened(deadline_seconds=0.05) as inference:
        asyncio.run(ask(inference))
    assert done == []


def test_work_that_is_given_up_frees_its_place() -> None:
    done: list[str] = []

    async def ask(inference: Inference) -> None:
        held = Held()
        first = inference.submit(WHO, held)
        await begun(held)
        ticket = inference.submit(WHO, lambda: done.append("done"))
        assert ticket.abandon() and not ticket.abandon() and not first.abandon()
        assert inference.waiting == 0
        cancelled = asyncio.create_task(attend(HungUp(), inference, lambda: done.append("done")))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert inference.waiting == 0
        held.may_end.set()
        await first

    with opened() as inference:
        asyncio.run(ask(inference))
    assert done == []


def test_closing_finishes_what_has_begun_and_refuses_the_rest() -> None:
    async def ask(inference: Inference) -> None:
        held = Held()
        first, second = inference.submit(WHO, held), inference.submit(WHO, lambda: "never")
        await begun(held)
        closing = asyncio.create_task(asyncio.to_thread(inference.close))
        with pytest.raises(Busy, match="shutting down"):
            await second
        with pytest.raises(Busy, match="shutting down"):
            inference.submit(WHO, lambda: "never")
        held.may_end.set()
        assert await first == "done"
        await closing

    with opened() as inference:
        asyncio.run(ask(inference))


def test_an_answer_for_a_loop_that_has_ended_hurts_nobody() -> None:
    held = Held()

    async def ask(inference: Inference) -> None:
        inference.submit(WHO, held)
        await begun(held)

    with opened() as inference:
        asyncio.run(ask(inference))
        held.may_end.set()
        assert asyncio.run(done(inference, lambda: "alive")) == "alive"


class HungUp:
    """A request whose client goes away when it is told to."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(caller=Caller("key", "one", "program", Role.OPERATOR, ""))
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Owner:
    """What stands for a service."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference


def attend(request: HungUp, inference: Inference, work: Callable[[], Any]) -> Any:
    return attended(request, Owner(inference), work)  # type: ignore[arg-type]


def test_nobody_who_hung_up_is_worked_for() -> None:
    done: list[str] = []

    async def ask(inference: Inference) -> None:
        held, request = Held(), HungUp()
        first = inference.submit(WHO, held)
        await begun(held)
        task = asyncio.create_task(attend(request, inference, lambda: done.append("done")))
        await asyncio.sleep(0)
        request.gone.set()
        with pytest.raises(ClientGone):
            await task
        assert inference.waiting == 0
        held.may_end.set()
        await first

    with opened() as inference:
        asyncio.run(ask(inference))
    assert done == []


def test_what_has_begun_for_somebody_who_hung_up_comes_to_its_end() -> None:
    async def ask(inference: Inference) -> None:
        held, request = Held(), HungUp()
        task = asyncio.create_task(attend(request, inference, held))
        await asyncio.sleep(0)
        await begun(held)
        request.gone.set()
        await asyncio.sleep(0)
        held.may_end.set()
        assert await task == "done"

    with opened() as inference:
        asyncio.run(ask(inference))


def test_room_is_given_back_and_refused_when_taken() -> None:
    room = Room(10)
    with room.share("a") as first, room.share("b") as second:
        first.take(4)
        second.take(4)
        with room.share("c") as third, pytest.raises(Busy):
            third.take(3)
        first.take(1)
        assert room.taken == 9
    assert room.taken == 0


def test_one_caller_leaves_half_of_the_room_to_others() -> None:
    room = Room(10)
    with room.share("a") as first, room.share("a") as again, room.share("b") as other:
        first.take(3)
        with pytest.raises(Busy):
            again.take(3)
        again.take(2)
        other.take(5)
    assert room.taken == 0
