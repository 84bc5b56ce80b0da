"""What the tests of this folder share."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gallery.stored_people import AnyRecords, Galleries, InFolders, OnServer

# Lets this folder's tests import `made_up_people`.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server that is there for these tests only."""
    pytest.importorskip("psycopg", reason="needs psycopg, which the extra `postgres` brings")
    with warnings.catch_warnings():
        # It looks for a folder that a machine without a desktop does not have.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="needs pgserver, which has no wheel for this Python")
        # Not in pytest's own folder: started as root the server runs as another user, who must get there.
        started = pgserver.get_server(tempfile.mkdtemp(prefix="mien-postgres-"), cleanup_mode="delete")
    yield started.get_uri()
    started.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def galleries(request: pytest.FixtureRequest, tmp_path: Path) -> Galleries:
    """Where galleries are made: in folders, and on a server."""
    return InFolders(tmp_path) if request.param == "sqlite" else OnServer(request.getfixturevalue("server"))


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a gallery can be made: in a folder, and on a server."""
    if request.param == "folder":
        return str(tmp_path / "gallery")
    return OnServer(request.getfixturevalue("server")).url()


@pytest.fixture
def records(galleries: Galleries) -> Iterator[AnyRecords]:
    """An empty gallery of each kind."""
    with galleries.new() as opened:
        yield opened
