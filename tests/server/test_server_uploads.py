"""Forms in memory: what is read, what is refused, and that nothing goes to a file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from mien.server.errors import Busy, ClientGone, Invalid, ServerError, TooLarge, TooSlow, WrongKind
from mien.server.middleware import _Body
from mien.server.room import Room
from mien.server.schema.upload import Field, Form, form_of

FIELDS = {"photo": Field(100), "more": Field(100, least=0, most=3)}
FORM = "multipart/form-data; boundary=b"


def part(name: str, content: bytes, extra: str = '; filename="a.jpg"') -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + content + b"\r\n"


END = b"--b--\r\n"


def read(
    body: bytes | Sequence[bytes],
    kind: str = FORM,
    *,
    length: int | None = None,
    room: Room | None = None,
    most: int = 400,
    seconds: float = 60.0,
    ends: bool = True,
) -> Form:
    chunks = [body] if isinstance(body, bytes) else list(body)
    left = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    headers = [(b"content-type", kind.encode("latin-1"))]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))

    async def receive() -> dict[str, object]:
        if left:
            return left.pop(0)
        if ends:
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Future()

    async def ask() -> Form:
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
        async with form_of(request, (room or Room(20_000)).share("key one"), FIELDS, most, seconds) as form:
            return form

    return asyncio.run(ask())


def refused(kind: type[ServerError], body: bytes | Sequence[bytes], content_type: str = FORM, **how: object) -> str:
    with pytest.raises(kind) as error:
        read(body, content_type, **how)  # type: ignore[arg-type]
    assert error.value.cause and (error.value.cure or kind is ClientGone)
    return str(error.value)


def test_fields_come_as_they_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("a file was made")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, never)
    content = bytes(range(100))
    body = part("photo", content) + part("more", b"") + part("more", b"\r\n--c", "") + END
    form = read(body)
    assert form.one("photo") == content
    assert form.parts["more"] == (b"", b"\r\n--c")
    assert list(form.content) == [b"photo", content, b"more", b"", b"\r\n--c"]


def test_the_cut_of_the_chunks_does_not_matter() -> None:
    body = part("photo", b"\r\n--\r\n-b" * 4) + part("more", b"x") + END
    assert read([body[i : i + 1] for i in range(len(body))]).parts == read(body).parts


def test_other_bodies_are_refused() -> None:
    assert "multipart/form-data" in refused(WrongKind, b"{}", "application/json")
    refused(WrongKind, b"", "")
    assert "boundary" in refused(Invalid, b"", "multipart/form-data")
    assert "boundary" in refused(Invalid, b"", "multipart/form-data; boundary=" + "b" * 1000)
    refused(Invalid, b"this is no form at all")
    refused(Invalid, b"--b\r\nContent-Disp")


def test_names_and_numbers_of_fields_are_held() -> None:
    assert "no field 'photo'" in refused(Invalid, END)
    assert "no field 'photo'" in refused(Invalid, part("more", b"x") + END)
    assert "It takes photo, more (up to 3)" in refused(Invalid, part("picture", b"x") + END)
    assert "more than 1 of the field 'photo'" in refused(Invalid, part("photo", b"x") * 2 + END)
    assert "more than 3 of the field 'more'" in refused(Invalid, part("photo", b"x") + part("more", b"x") * 4 + END)
    # A part without a name, and one whose headers never end.
    refused(Invalid, b"--b\r\nX: y\r\n\r\nx\r\n" + END)
    refused(Invalid, b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n" + END)


def test_a_form_without_its_end_is_no_form() -> None:
    assert "in the middle" in refused(Invalid, part("photo", b"x"))
    assert "in the middle" in refused(Invalid, part("photo", b"x" * 50)[:-20])


def test_bytes_are_limited_before_and_while_they_come() -> None:
    assert "field has more than 100" in refused(TooLarge, part("photo", b"x" * 101) + END)
    assert "body has more than" in refused(TooLarge, END, length=1_000_000)
    assert "body has more than" in refused(TooLarge, [b"\r\n" * 1000] * 40, room=Room(1 << 20))
    assert read(part("photo", b"x" * 100) + END, length=300).one("photo") == b"x" * 100


def test_a_body_that_does_not_come_is_given_up() -> None:
    room = Room(1000)
    refused(TooSlow, part("photo", b"x"), ends=False, seconds=0.01, room=room)
    assert room.taken == 0


def test_all_uploads_together_are_limited() -> None:
    room = Room(400)
    with room.share("key two") as other, room.share("key three") as third:
        other.take(150)
        third.take(150)
        refused(Busy, [part("photo", b"x" * 90), END], room=room)
        assert room.taken == 300
    assert read(part("photo", b"x" * 90) + END, room=room).one("photo") == b"x" * 90
    assert room.taken == 0


def test_a_client_that_hangs_up_is_no_fault() -> None:
    async def ask() -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.disconnect"}

        request = Request(
            {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", FORM.encode())]}, receive
        )
        async with form_of(request, Room(10).share("key one"), FIELDS, 400, 60.0):
            raise AssertionError("there is no form")

    with pytest.raises(ClientGone):
        asyncio.run(ask())


@pytest.mark.parametrize("turns", range(4))
def test_a_time_limit_that_ends_as_a_piece_comes_is_not_lost(turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11 loses the cancellation there: a body that drips would go on for ever."""

    async def cancelled_just_after_a_piece() -> bool:
        piece: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        async def next_piece() -> Message:
            return await piece

        reading = asyncio.create_task(_Body(next_piece, 100, 60.0).receive())
        await asyncio.sleep(0.01)
        piece.set_result({"type": "http.request", "body": b"x", "more_body": True})
        for _ in range(turns):
            await asyncio.sleep(0)
        if not reading.cancel():
            return True  # it had the piece
        await asyncio.wait([reading])
        return reading.cancelled()

    assert asyncio.run(cancelled_just_after_a_piece())
