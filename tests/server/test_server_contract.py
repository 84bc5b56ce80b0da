"""Whatever is sent, the answer is one that the OpenAPI document has: to everybody, to a viewer, to an administrator.

CONTRACT_EXAMPLES=200 sends so many requests an operation instead of a few, and the borders of every parameter, too;
CONTRACT_SHOWN=1 prints what was answered how often.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

pytest.importorskip("schemathesis", reason="needs the extra `test`")
pytest.importorskip("fastapi", reason="needs the extra `server`")

import schemathesis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import SerializationNotPossible
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from tests.server.conftest import person
from tests.server.videos_to_send import UPLOAD, ended, film

from mien.analyze import Analyzer
from mien.gallery.gallery import Gallery, GalleryPolicy, Profile
from mien.gallery.store.master import MasterKey
from mien.image import encode_image
from mien.server import events
from mien.server.access.passwords import Passwords
from mien.server.app import create_app
from mien.server.caller import Caller, Role
from mien.server.config import ServerConfig
from mien.server.service import Service, open_service
from mien.settings import Settings
from mien.weights.fetch import ensure

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "3"))
LONG = EXAMPLES > 20
SHOWN = "CONTRACT_SHOWN" in os.environ
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
CALLERS = ("nobody", "viewer", "administrator")
# Ends the session of everybody who comes after.
ENDING = {"log_out"}


@dataclass(frozen=True)
class Served:
    """A service with somebody on record, and its document as the test library reads it."""

    service: Service
    schema: Any
    session: Any
    headers: dict[str, dict[str, str]]
    photo: bytes
    mirrored: bytes
    caller: Caller
    job_id: str
    numbers: Iterator[int] = field(default_factory=itertools.count)


@pytest.fixture(scope="module")
def served(weights: Settings, astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nothing limits how often it is asked."""
    folder = tmp_path_factory.mktemp("contract")
    patch = pytest.MonkeyPatch()
    patch.setenv("MIEN_GALLERY_KEY", MasterKey.new().text)
    patch.setattr(events, "LONGEST_SECONDS", 0.0)
    own = weights.model_copy(update={"gallery": str(folder / "gallery"), "data_dir": folder / "data"})
    Gallery.create(None, GalleryPolicy(keep_crops=True, require_consent=False), own).close()
    config = ServerConfig(state_dir=folder / "server", requests_per_minute=1_000_000_000, login_failures=100)
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    service = open_service(own, config, Analyzer(settings=weights), cheap)
    app = create_app(config, own, service)
    schema = schemathesis.openapi.from_dict(app.openapi(), config=SchemathesisConfig())
    schema.app = app
    callers = {str(role): person(service, "", role) for role in Role}
    headers = {name: one.headers for name, one in callers.items()} | {"nobody": {}}
    photo, administrator = ensure("astronaut", weights).read_bytes(), callers["administrator"].caller
    with asgi.get_client(app) as session:
        job_id = done_video(session, headers["administrator"], film(folder / "a.mp4", astronaut, 5))
        yield Served(
            service,
            schema,
            session,
            headers,
            photo,
            encode_image(astronaut[:, ::-1].copy(), ".jpg"),
            administrator,
            job_id,
        )
    service.close()
    patch.undo()


def done_video(session: Any, headers: dict[str, str], video: bytes) -> str:
    """The id of a video whose results are there."""
    sent = session.post("/v1/videos", data=video, headers=headers | UPLOAD, params={"stages": ["landmark"]})
    job = ended(session, headers, sent.json()["id"])
    assert job["state"] == "done", job
    return str(job["id"])


def somebody(served: Served) -> str:
    """The id of a person with a photo, enrolled anew where the last one was removed."""
    gallery = served.service.gallery
    for one in gallery.records.people():
        if one.n_templates and not one.profile.tenant:
            return str(one.id)
    return str(gallery.enrol(Profile("Anna"), [served.photo]).person_id)


def real(served: Served, name: str) -> Any:
    """What an address may name, and is there."""
    service = served.service
    if name == "person_id":
        return somebody(served)
    if name == "template_id":
        return service.gallery.records.templates(somebody(served))[0].id
    if name == "correction_id":
        service.gallery.correct(somebody(served), served.mirrored, "a test")
        return service.gallery.records.negatives(somebody(served))[-1].id
    if name == "account_id":
        return service.accounts.make(f"{name} {next(served.numbers)}", Role.VIEWER, "").id
    if name == "key_id":
        return service.keys.make(served.caller, name, Role.VIEWER, None)[0].id
    return served.job_id if name == "job_id" else None


def made_real(case: Any, served: Served) -> None:
    """Every other request names what is there, and brings photos."""
    if next(served.numbers) % 2:
        return
    keeps = case.operation.definition.raw["operationId"] != "remove_video"
    for name in (case.path_parameters or {}) if keeps else ():
        if (found := real(served, name)) is not None:
            case.path_parameters[name] = found
    if isinstance(case.body, dict) and case.media_type == "multipart/form-data":
        for name in {"photo", "first", "second"} & set(case.body):
            case.body[name] = served.mirrored if "corrections" in case.path else served.photo
        if isinstance(case.body.get("photos"), list):
            case.body["photos"] = [served.photo][: len(case.body["photos"])]


def faults(served: Served, operation: Any, caller: str, seen: dict[str, Counter[int]]) -> list[str]:
    """What answers say that the document does not."""
    checks = schemathesis.checks.CHECKS.get_by_names(CHECKS)
    found: list[str] = []

    def ask(case: Any) -> None:
        made_real(case, served)
        try:
            response = case.call(session=served.session, headers=served.headers[caller])
        except SerializationNotPossible:
            return  # of `video/*`, which stands for many types
        seen.setdefault(operation.label, Counter())[response.status_code] += 1
        try:
            assert response.status_code != 500, response.text
            case.validate_response(response, checks=checks)
        except (AssertionError, schemathesis.checks.Failure, schemathesis.checks.FailureGroup) as error:
            found.append(
                f"{caller}: {operation.label}: {response.status_code}\n{error}\n{case.as_curl_command()[:2000]}"
            )

    for mode in GenerationMode:
        with suppress(Unsatisfiable):
            every(operation.as_strategy(generation_mode=mode), ask)
    if LONG:
        config = served.schema.config.generation_for(operation=operation)
        for case in served.schema.iter_coverage_cases(
            operation, generation_modes=list(GenerationMode), generation_config=config
        ):
            ask(case)
    return found


def every(strategy: Any, ask: Callable[[Any], None]) -> None:
    """So many requests of one kind."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not LONG,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def sent(case: Any) -> None:
        ask(case)

    sent()


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_is_one_that_the_document_has(served: Served, caller: str) -> None:
    found: list[str] = []
    seen: dict[str, Counter[int]] = {}
    for result in served.schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] not in ENDING:
            found += faults(served, operation, caller, seen)
    if SHOWN:
        print(caller, *(f"{label}: {dict(counts)}" for label, counts in seen.items()), sep="\n")
    assert not found, f"{len(found)} answers\n" + "\n\n".join(found[:100])
