"""The client for an event loop, of asyncio or trio."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
import httpx2

from mien.client.call import Call, Download, Feed
from mien.client.calls import access, gallery, people, photos, service, videos, watching
from mien.client.feed import PATH, QUIET_SECONDS, RETRY_SECONDS, FeedReader
from mien.client.live import LiveSession, start_of
from mien.client.method import Later
from mien.client.place import Place
from mien.client.saving import Saving
from mien.client.tries import Tries, refusal
from mien.server.schema.events import LoggedEvent
from mien.server.schema.tracks import StageName

T = TypeVar("T")


class AsyncClient:
    """One service, as one caller; in one event loop. Each method is an operation, by the name that it has in
    GET /v1/openapi.json, which is
    awaited or iterated, and raises Refused, NoAnswer or WrongAnswer.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        ca: str | os.PathLike[str] | ssl.SSLContext | None = None,
        seconds: float = 60.0,
        patience: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """As of `mien.client.place.Place`. transport: another than the network, as tests have."""
        self._place = Place(address, key, ca, seconds, patience)
        self._http = httpx2.AsyncClient(**self._place.options, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections. A session lasts on; `log_out` ends it."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """One request, and what its answer says."""
        tries = Tries(self._place.patience)
        while True:
            try:
                request = self._place.request(self._http, call, call.body.later() if call.body else {})
                reply = await self._http.send(request)
            except httpx2.TransportError as error:
                await anyio.sleep(tries.after_trouble(error, call.again))
                continue
            pause = tries.after_answer(reply)
            if pause is None:
                break
            await anyio.sleep(pause)
        if not reply.is_success:
            raise refusal(reply)
        result = call.read(reply)
        self._place.note(result)
        return result

    async def save(self, call: Download) -> Path:
        """One file, as it comes."""
        tries = Tries(self._place.patience)
        while True:
            try:
                async with self._http.stream("GET", call.path) as reply:
                    pause = tries.after_answer(reply)
                    if pause is None:
                        return await self._saved(reply, call.to)
            except httpx2.TransportError as error:
                pause = tries.after_trouble(error, again=True)
            await anyio.sleep(pause)

    async def _saved(self, reply: httpx2.Response, to: Path) -> Path:
        if not reply.is_success:
            await reply.aread()
            raise refusal(reply)
        with Saving(to) as file:
            async for piece in reply.aiter_bytes():
                file.write(piece)
        return to

    async def follow(self, feed: Feed) -> AsyncIterator[LoggedEvent]:
        """Events, until the iteration is given up or the service is away for longer than `patience`."""
        reader, tries = FeedReader(feed.after), Tries(self._place.patience)
        while True:
            try:
                async with self._http.stream("GET", PATH, headers=reader.headers, timeout=QUIET_SECONDS) as reply:
                    pause = tries.after_answer(reply)
                    if pause is None:
                        if not reply.is_success:
                            await reply.aread()
                            raise refusal(reply)
                        tries = Tries(self._place.patience)
                        async for line in reply.aiter_lines():
                            if event := reader.read(line):
                                yield event
                        pause = RETRY_SECONDS
            except httpx2.TransportError as error:
                pause = tries.after_trouble(error, again=True)
            await anyio.sleep(pause)

    def live(
        self,
        *,
        identify: bool = False,
        stages: Sequence[StageName] | None = None,
        fpir: float | None = None,
        why: str = "",
    ) -> LiveSession:
        """A session for pictures as they come; needs a key, and asyncio.

        identify: recognise the people on record. why: for the audit log.
        """
        return LiveSession(self._place, start_of(identify, stages, fpir, why))

    analyze_photo = Later(photos.analyze_photo)
    compare_photos = Later(photos.compare_photos)
    identify_photo = Later(photos.identify_photo)

    list_people = Later(people.list_people)
    enrol_person = Later(people.enrol_person)
    get_person = Later(people.get_person)
    change_person = Later(people.change_person)
    remove_person = Later(people.remove_person)
    merge_people = Later(people.merge_people)
    get_history = Later(people.get_history)
    get_face = Later(people.get_face)
    add_photos = Later(people.add_photos)
    list_templates = Later(people.list_templates)
    remove_template = Later(people.remove_template)
    get_crop = Later(people.get_crop)
    list_corrections = Later(people.list_corrections)
    add_correction = Later(people.add_correction)
    remove_correction = Later(people.remove_correction)

    get_gallery = Later(gallery.get_gallery)
    get_dial = Later(gallery.get_dial)
    list_findings = Later(gallery.list_findings)
    list_calibrations = Later(gallery.list_calibrations)
    list_models = Later(gallery.list_models)

    add_video = Later(videos.add_video)
    list_videos = Later(videos.list_videos)
    get_video = Later(videos.get_video)
    cancel_video = Later(videos.cancel_video)
    remove_video = Later(videos.remove_video)
    get_video_result = Later(videos.get_video_result)
    get_video_report = Later(videos.get_video_report)
    get_video_events = Later(videos.get_video_events)
    get_video_table = Later(videos.get_video_table)
    get_video_subtitles = Later(videos.get_video_subtitles)
    get_video_annotated = Later(videos.get_video_annotated)

    list_cameras = Later(watching.list_cameras)
    get_camera = Later(watching.get_camera)
    get_camera_picture = Later(watching.get_camera_picture)
    list_events = Later(watching.list_events)
    stream_events = Later(watching.stream_events)
    list_outputs = Later(watching.list_outputs)
    get_live_terms = Later(watching.get_live_terms)

    log_in = Later(access.log_in)
    open_link = Later(access.open_link)
    get_session = Later(access.get_session)
    log_out = Later(access.log_out)
    set_password = Later(access.set_password)
    list_accounts = Later(access.list_accounts)
    add_account = Later(access.add_account)
    change_account = Later(access.change_account)
    remove_account = Later(access.remove_account)
    list_keys = Later(access.list_keys)
    add_key = Later(access.add_key)
    revoke_key = Later(access.revoke_key)
    get_preferences = Later(access.get_preferences)
    change_preferences = Later(access.change_preferences)
    list_audit = Later(access.list_audit)
    verify_audit = Later(access.verify_audit)

    get_live = Later(service.get_live)
    get_ready = Later(service.get_ready)
    get_metrics = Later(service.get_metrics)
    get_openapi = Later(service.get_openapi)
