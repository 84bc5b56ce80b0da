"""The client that waits."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from mien.client.call import Call, Download, Feed
from mien.client.calls import access, gallery, people, photos, service, videos, watching
from mien.client.feed import PATH, QUIET_SECONDS, RETRY_SECONDS, FeedReader
from mien.client.method import Now
from mien.client.place import Place
from mien.client.saving import Saving
from mien.client.tries import Tries, refusal
from mien.server.schema.events import LoggedEvent

T = TypeVar("T")


class Client:
    """One service, as one caller; for one thread at a time. Each method is an operation, by the name that it has in
    GET /v1/openapi.json, and raises Refused, NoAnswer or WrongAnswer.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        ca: str | os.PathLike[str] | ssl.SSLContext | None = None,
        seconds: float = 60.0,
        patience: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """As of `mien.client.place.Place`. transport: another than the network, as tests have."""
        self._place = Place(address, key, ca, seconds, patience)
        self._http = httpx2.Client(**self._place.options, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections. A session lasts on; `log_out` ends it."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """One request, and what its answer says."""
        tries = Tries(self._place.patience)
        while True:
            try:
                request = self._place.request(self._http, call, call.body.sync() if call.body else {})
                reply = self._http.send(request)
            except httpx2.TransportError as error:
                time.sleep(tries.after_trouble(error, call.again))
                continue
            pause = tries.after_answer(reply)
            if pause is None:
                break
            time.sleep(pause)
        if not reply.is_success:
            raise refusal(reply)
        result = call.read(reply)
        self._place.note(result)
        return result

    def save(self, call: Download) -> Path:
        """One file, as it comes."""
        tries = Tries(self._place.patience)
        while True:
            try:
                with self._http.stream("GET", call.path) as reply:
                    pause = tries.after_answer(reply)
                    if pause is None:
                        return self._saved(reply, call.to)
            except httpx2.TransportError as error:
                pause = tries.after_trouble(error, again=True)
            time.sleep(pause)

    def _saved(self, reply: httpx2.Response, to: Path) -> Path:
        if not reply.is_success:
            reply.read()
            raise refusal(reply)
        with Saving(to) as file:
            for piece in reply.iter_bytes():
                file.write(piece)
        return to

    def follow(self, feed: Feed) -> Iterator[LoggedEvent]:
        """Events, until the iteration is given up or the service is away for longer than `patience`."""
        reader, tries = FeedReader(feed.after), Tries(self._place.patience)
        while True:
            try:
                with self._http.stream("GET", PATH, headers=reader.headers, timeout=QUIET_SECONDS) as reply:
                    pause = tries.after_answer(reply)
                    if pause is None:
                        if not reply.is_success:
                            reply.read()
                            raise refusal(reply)
                        tries = Tries(self._place.patience)
                        yield from (event for line in reply.iter_lines() if (event := reader.read(line)))
                        pause = RETRY_SECONDS
            except httpx2.TransportError as error:
                pause = tries.after_trouble(error, again=True)
            time.sleep(pause)

    analyze_photo = Now(photos.analyze_photo)
    compare_photos = Now(photos.compare_photos)
    identify_photo = Now(photos.identify_photo)

    list_people = Now(people.list_people)
    enrol_person = Now(people.enrol_person)
    get_person = Now(people.get_person)
    change_person = Now(people.change_person)
    remove_person = Now(people.remove_person)
    merge_people = Now(people.merge_people)
    get_history = Now(people.get_history)
    get_face = Now(people.get_face)
    add_photos = Now(people.add_photos)
    list_templates = Now(people.list_templates)
    remove_template = Now(people.remove_template)
    get_crop = Now(people.get_crop)
    list_corrections = Now(people.list_corrections)
    add_correction = Now(people.add_correction)
    remove_correction = Now(people.remove_correction)

    get_gallery = Now(gallery.get_gallery)
    get_dial = Now(gallery.get_dial)
    list_findings = Now(gallery.list_findings)
    list_calibrations = Now(gallery.list_calibrations)
    list_models = Now(gallery.list_models)

    add_video = Now(videos.add_video)
    list_videos = Now(videos.list_videos)
    get_video = Now(videos.get_video)
    cancel_video = Now(videos.cancel_video)
    remove_video = Now(videos.remove_video)
    get_video_result = Now(videos.get_video_result)
    get_video_report = Now(videos.get_video_report)
    get_video_events = Now(videos.get_video_events)
    get_video_table = Now(videos.get_video_table)
    get_video_subtitles = Now(videos.get_video_subtitles)
    get_video_annotated = Now(videos.get_video_annotated)

    list_cameras = Now(watching.list_cameras)
    get_camera = Now(watching.get_camera)
    get_camera_picture = Now(watching.get_camera_picture)
    list_events = Now(watching.list_events)
    stream_events = Now(watching.stream_events)
    list_outputs = Now(watching.list_outputs)
    get_live_terms = Now(watching.get_live_terms)

    log_in = Now(access.log_in)
    open_link = Now(access.open_link)
    get_session = Now(access.get_session)
    log_out = Now(access.log_out)
    set_password = Now(access.set_password)
    list_accounts = Now(access.list_accounts)
    add_account = Now(access.add_account)
    change_account = Now(access.change_account)
    remove_account = Now(access.remove_account)
    list_keys = Now(access.list_keys)
    add_key = Now(access.add_key)
    revoke_key = Now(access.revoke_key)
    get_preferences = Now(access.get_preferences)
    change_preferences = Now(access.change_preferences)
    list_audit = Now(access.list_audit)
    verify_audit = Now(access.verify_audit)

    get_live = Now(service.get_live)
    get_ready = Now(service.get_ready)
    get_metrics = Now(service.get_metrics)
    get_openapi = Now(service.get_openapi)
