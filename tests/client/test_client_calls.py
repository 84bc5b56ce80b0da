"""Round trips: both clients against the real service."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from tests.server.conftest import PASSWORD, Person

from mien.client import AsyncClient, Client, NoAnswer, Refused
from mien.client.body import SourceMissing
from mien.client.models import Analysis, ConsentIn, PersonChange, PersonIn, PreferencesChange, Quality
from mien.client.place import AddressWrong
from mien.image import encode_image
from mien.server.caller import Role

CONSENT = ConsentIn(given_by="Anna", purpose="A test", how="Spoken")
BLANK = encode_image(np.full((64, 64, 3), 127, np.uint8), ".png")


def later(app: FastAPI, key: str, work: Callable[[AsyncClient], Awaitable[None]]) -> None:
    """Have an asynchronous client of the application within this process."""

    async def run() -> None:
        transport = httpx2.ASGITransport(app)
        async with AsyncClient("http://127.0.0.1", key, transport=transport) as client:
            await work(client)

    anyio.run(run)


def somebody(name: str) -> PersonIn:
    return PersonIn(name=name, consent=CONSENT)


class TestPhotos:
    """What can be asked about photos, and how they can be given."""

    def test_a_photo_as_path_text_bytes_and_file_is_the_same(self, client: Client, photo: Path) -> None:
        content = photo.read_bytes()
        answers = [client.analyze_photo(one) for one in (photo, str(photo), content, io.BytesIO(content))]
        assert all(answer == answers[0] for answer in answers)
        (face,) = answers[0].faces
        assert isinstance(face.quality, Quality) and face.quality.score > 50

    def test_only_what_is_asked_for_comes(self, client: Client, photo: Path) -> None:
        face = client.analyze_photo(photo, stages=["embed", "landmark"], points=True, vectors=True).faces[0]
        assert face.embedding.status == face.landmark.status == "ok" and face.quality.status == "not_asked"
        assert face.embedding.vector and face.landmark.points

    def test_answers_do_not_change(self, client: Client) -> None:
        answer = client.analyze_photo(BLANK)
        assert answer == Analysis(width=64, height=64, faces=[])
        with pytest.raises(ValueError, match="frozen"):
            answer.width = 3  # type: ignore[misc]

    def test_a_refusal_has_code_cure_and_reasons(self, client: Client) -> None:
        with pytest.raises(Refused) as caught:
            client.analyze_photo(b"no photo")
        error = caught.value
        assert (error.status, error.code) == (422, "image-format") and error.cause and error.cure and error.request_id

    def test_a_photo_that_is_not_there(self, client: Client, tmp_path: Path) -> None:
        with pytest.raises(SourceMissing, match="cannot be read"):
            client.analyze_photo(tmp_path / "none.jpg")

    def test_two_photos_are_compared(self, client: Client, photo: Path) -> None:
        found = client.compare_photos(photo, photo, fmr=0.001)
        assert found.decision.answer == "match" and found.decision.asked_fmr == 0.001


class TestPeople:
    """From enrolment to removal."""

    def test_a_person_is_enrolled_found_changed_and_forgotten(self, client: Client, photo: Path) -> None:
        person = client.enrol_person(PersonIn(name="Anna", groups=["night"], consent=CONSENT), [photo]).person
        (face,) = client.identify_photo(photo, fpir=0.1, why="a test", groups=["night"]).faces
        assert face.person and face.person.id == person.id
        changed = client.change_person(person.id, PersonChange(name="Anna Berg"), seq=person.seq)
        assert changed.name == "Anna Berg" and changed.groups == ["night"]
        with pytest.raises(Refused, match="changed") as caught:
            client.change_person(person.id, PersonChange(name="Anna Alt"), seq=person.seq)
        assert caught.value.status == 412
        (template,) = client.list_templates(person.id).items
        assert client.get_crop(person.id, template.id) == client.get_face(person.id)
        assert client.remove_person(person.id).counts.templates == 1
        assert list(client.list_people()) == []

    def test_lists_go_over_pages_by_themselves(
        self, client: Client, app: FastAPI, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mien.client.calls.people.MOST_OF_A_PAGE", 2)
        names = [f"Person {letter}" for letter in "ABCDE"]
        for name in names:
            client.enrol_person(somebody(name))
        assert [one.name for one in client.list_people()] == names
        assert [one.name for one in client.list_people(q="person c")] == ["Person C"]

        async def work(asynchronous: AsyncClient) -> None:
            assert [one.name async for one in asynchronous.list_people()] == names

        later(app, key, work)

    def test_an_unfit_photo_is_refused_with_what_speaks_against_it(self, client: Client, photo: Path) -> None:
        with pytest.raises(Refused) as caught:
            client.enrol_person(somebody("Anna"), [BLANK])
        assert [one.kept for one in caught.value.photos] == [False] and caught.value.photos[0].reasons
        person = client.enrol_person(somebody("Anna"), [photo]).person
        correction = client.add_correction(person.id, photo, dry_run=True)
        assert not correction.stored and client.list_corrections(person.id).items == []

    def test_addresses_are_made_of_one_part(self, client: Client) -> None:
        with pytest.raises(Refused) as caught:
            client.get_camera("a/../../../health")
        assert caught.value.status == 404


class TestAccess:
    """Sessions, keys, preferences, the audit log."""

    def test_a_session_changes_things_by_its_token(self, address: str, people: dict[tuple[str, Role], Person]) -> None:
        with Client(address) as client:
            with pytest.raises(Refused) as caught:
                client.list_models()
            assert caught.value.status == 401
            name = people["", Role.ADMINISTRATOR].account.name
            assert client.log_in(name, PASSWORD).name == name
            made = client.add_account("bert", "operator")
            assert client.change_account(made.account.id, disabled=True).account.disabled
            assert "bert" in [one.name for one in client.list_accounts()]
            client.remove_account(made.account.id)
            client.log_out()
            with pytest.raises(Refused):
                client.get_gallery()

    def test_a_key_is_made_used_and_revoked(self, client: Client, address: str) -> None:
        made = client.add_key("door", days=1)
        with Client(address, made.text) as own:
            assert own.get_session().role is Role.VIEWER
            client.revoke_key(made.key.id)
            with pytest.raises(Refused):
                own.get_session()
        assert made.text not in repr(own._place)

    def test_preferences_are_changed_as_they_were_seen(self, client: Client) -> None:
        before = client.get_preferences()
        after = client.change_preferences(PreferencesChange(purpose="Entry"), version=before.version)
        assert after.purpose == "Entry" and after.version > before.version
        with pytest.raises(Refused) as caught:
            client.change_preferences(PreferencesChange(purpose="Exit"), version=before.version)
        assert caught.value.status == 412

    def test_the_audit_log_has_what_was_done(self, client: Client) -> None:
        client.enrol_person(somebody("Anna"))
        assert "enrol_person" in [one.action for one in client.list_audit()]
        assert client.verify_audit().whole


class TestAsync:
    """The same within an event loop."""

    def test_photos_people_and_refusals(self, app: FastAPI, key: str, photo: Path) -> None:
        async def work(client: AsyncClient) -> None:
            assert (await client.get_ready()).status == "ok"
            person = (await client.enrol_person(somebody("Anna"), [photo])).person
            (face,) = (await client.identify_photo(photo, fpir=0.1)).faces
            assert face.person and face.person.id == person.id
            with pytest.raises(Refused) as caught:
                await client.get_person("a" * 26)
            assert caught.value.code == "not-found"

        later(app, key, work)

    def test_a_video_is_sent_from_any_source(self, app: FastAPI, key: str, tmp_path: Path) -> None:
        path = tmp_path / "talk.mp4"
        path.write_bytes(b"no video" * 100_000)

        async def work(client: AsyncClient) -> None:
            for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
                job = await client.add_video(source, stages=["landmark"])
                assert job.bytes == 800_000 and job.name == ("talk.mp4" if source is path else "video")
                await client.remove_video(job.id)
            assert [job.id async for job in client.list_videos()] == []

        later(app, key, work)


class TestVideos:
    """Uploads and downloads."""

    def test_a_video_is_sent_and_its_files_are_kept(self, client: Client, tmp_path: Path) -> None:
        job = client.add_video(b"no video", name="talk")
        assert client.get_video(job.id).name == "talk"
        kept = tmp_path / "table.csv"
        with pytest.raises(Refused) as caught:
            client.get_video_table(job.id, kept)
        assert caught.value.status == 409 and list(tmp_path.glob("*table*")) == []
        assert client.cancel_video(job.id).state in ("queued", "running", "failed", "cancelled")
        client.remove_video(job.id)

    def test_a_file_that_cannot_be_gone_back_in(self, client: Client) -> None:
        class Pipe(io.BytesIO):
            def tell(self) -> int:
                raise io.UnsupportedOperation("tell")

        with pytest.raises(SourceMissing, match="gone back"):
            client.add_video(Pipe(b"a"))


def test_what_is_open_to_everybody_needs_no_key(address: str) -> None:
    with Client(address) as client:
        assert client.get_live() == client.get_ready()


def test_the_small_things(client: Client) -> None:
    assert client.get_gallery().n_people == 0
    assert client.get_dial([0.01]).points[0].fpir == 0.01
    assert client.list_findings().findings == []
    assert client.list_calibrations().items and client.list_models().items
    assert client.list_cameras().items == [] and client.list_outputs().items == []
    assert client.get_live_terms().frame_bytes > 0
    assert "mien" in client.get_metrics() and client.get_openapi()["openapi"].startswith("3.1")


def test_a_service_that_is_away_is_said_so(address: str) -> None:
    with Client("http://127.0.0.1:1", "mien_a_b", patience=0) as client, pytest.raises(NoAnswer, match="runs"):
        client.get_live()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8460", "ftp://a", "https://", "http:" + "//a:b@service.example", "http://service.example/?q=1"],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(AddressWrong):
        Client(address)
