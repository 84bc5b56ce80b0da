"""`mien serve` and `mien audit` as processes, from the first start to a stop, a kill and a lost password."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mien.cli.main import run
from mien.cli.serve import app as serve_app
from mien.errors import ExtraMissing, SettingsError
from mien.gallery.errors import GalleryDamaged
from mien.server import run as running
from mien.server.config import ServerConfig
from mien.server.service import Service, open_state
from mien.settings import Settings

PATIENCE = 60.0
FRESH = "quite another few words"
CODE = "import sys; from mien.cli.main import main; sys.argv[0] = 'mien'; main()"


class Served:
    """One `mien serve`, on a port of its own."""

    def __init__(self, folder: Path, *options: str, workers: int = 1) -> None:
        self.folder, self.options = folder, ("--workers", str(workers), *options)
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    def start(self) -> Served:
        """Until it says where it is."""
        words = [sys.executable, "-c", CODE, "serve", "--port", "0", *self.options]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(self.folder)
            )
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline()]
        assert self.lines[0], (self.folder / "log").read_text()
        if not (self.folder / "begun").exists():
            self.lines += [self.process.stdout.readline() for _ in range(2)]
            (self.folder / "begun").touch()
        return self

    @property
    def url(self) -> str:
        """Of the line it began with."""
        return self.lines[0].split()[-1]

    @contextmanager
    def client(self, **options: Any) -> Iterator[httpx2.Client]:
        """A browser that waits until the process that its connection leads to is ready."""
        with httpx2.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **options) as client:
            until = time.monotonic() + PATIENCE
            while client.get("/health/ready").status_code != 200:
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.1)
            yield client

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "MIEN_DATA_DIR": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "PYTHONWARNINGS": "default",
    }


Mien = Callable[..., tuple[int, str]]


@pytest.fixture
def mien(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Mien:
    """Run another command on the same data, in this process: its exit code, and what it says."""
    for name in ("MIEN_DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, environment(tmp_path)[name])

    def said(*words: str) -> tuple[int, str]:
        capfd.readouterr()
        code = run(list(words))
        return code, "".join(capfd.readouterr())

    return said


@pytest.fixture
def serve(weights: Settings, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start one; all end with the test."""
    begun: list[Served] = []

    def start(*options: str, workers: int = 1) -> Served:
        begun.append(Served(tmp_path, *options, workers=workers))
        return begun[-1].start()

    yield start
    for one in begun:
        if one.process is not None and one.process.poll() is None:
            one.stop(signal.SIGKILL)


def first_password(served: Served, client: httpx2.Client) -> dict[str, str]:
    """Follow the one-time link that was printed; the header for changes."""
    found = re.search(r"/#welcome=(\S+)", served.lines[1])
    assert found
    said = client.post("/v1/session/welcome", json={"token": found[1]}).json()
    token = {"X-CSRF-Token": said["csrf"]}
    return {"X-CSRF-Token": client.put("/v1/session/password", json={"new": FRESH}, headers=token).json()["csrf"]}


def test_from_the_first_start_to_a_kill_and_a_stop(serve: Callable[..., Served], tmp_path: Path, mien: Mien) -> None:
    served = serve()
    assert served.url.startswith("http://127.0.0.1:")
    (key,) = (tmp_path / "config").rglob("*.key")
    assert str(tmp_path / "data" / "gallery") in served.lines[2] and str(key) in served.lines[2]
    with served.client() as client:
        token = first_password(served, client)
        made = client.post("/v1/keys", json={"name": "door"}, headers=token).json()
        served.stop(signal.SIGKILL)
    again = serve()
    assert len(again.lines) == 1
    with again.client(headers={"Authorization": f"Bearer {made['text']}"}) as client:
        assert client.get("/v1/session").json()["name"] == "door"
        # An open stream does not hold up the end.
        with client.stream("GET", "/v1/events/stream") as stream:
            assert stream.status_code == 200
            replace_a_lost_password(again, mien)
            assert again.stop() == 0
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log and FRESH not in log and made["text"] not in log
    # What uvicorn says when it loses patience.
    assert "Cancel" not in log
    look_into_the_log(mien, made["key"]["id"])


def replace_a_lost_password(served: Served, mien: Mien) -> None:
    """While the service runs: the password, the session that it gave, and a link in their place."""
    with served.client() as client:
        assert client.post("/v1/session", json={"name": "admin", "password": FRESH}).status_code == 200
        code, said = mien("serve", "reset-password", "Admin")
        found = re.search(r"/#welcome=(\S+)", said)
        assert code == 0 and found, said
        assert client.get("/v1/session").status_code == 401
        assert client.post("/v1/session", json={"name": "admin", "password": FRESH}).status_code == 401
        assert client.post("/v1/session/welcome", json={"token": found[1]}).json()["must_change_password"]
    code, said = mien("serve", "reset-password", "nobody")
    assert code == 2 and "no account" in said


def look_into_the_log(mien: Mien, key_id: str) -> None:
    """By `mien audit`, after the service has ended."""
    code, said = mien("audit", "verify")
    assert code == 0 and "entries; head" in said
    head = said.split()[-1]
    listed = mien("audit", "list", "--json", "-", "--action", "add_key")[1]
    assert key_id in listed and '"schema": "mien.audit-entry/1"' in listed
    assert "reset_password" in mien("audit", "list")[1]
    code, said = mien("audit", "verify", "--head", f"{head.split(':')[0]}:{'0' * 64}")
    assert code == 1 and "WRONG" in said
    assert mien("audit", "verify", "--head", "nonsense")[0] == 2


def test_several_workers_share_everything_and_end_with_the_process_that_began_them(
    serve: Callable[..., Served], mien: Mien
) -> None:
    served = serve(workers=2)
    with served.client() as client:
        first_password(served, client)
    for _ in range(6):
        # Each connection may come to another process.
        with served.client() as client:
            said = client.post("/v1/session", json={"name": "admin", "password": FRESH})
            assert said.status_code == 200
            assert "mien_requests_total" in client.get("/metrics").text
    with served.client() as client:
        for _ in range(5):
            client.post("/v1/session", json={"name": "viewer", "password": "wrong words"})
    with served.client() as client:
        assert client.post("/v1/session", json={"name": "viewer", "password": "wrong words"}).status_code == 429
    served.stop(signal.SIGKILL)
    wait_until_nobody_listens(served)
    assert mien("audit", "verify")[0] == 0


def wait_until_nobody_listens(served: Served) -> None:
    """Workers hold the socket, too."""
    host, port = served.url.removeprefix("http://").split(":")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return
        time.sleep(0.2)
    raise AssertionError("workers go on")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command in this process, which must refuse; what it says."""
    for name in ("MIEN_DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, environment(tmp_path)[name])

    def refused(*words: str) -> str:
        assert run(list(words)) == 2
        assert not (tmp_path / "data").exists()
        return capsys.readouterr().err

    return refused


def test_a_port_that_is_taken_is_named(here: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = here("serve", "--port", port)
    assert f"127.0.0.1:{port}" in said and "--port" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "colour=red"), "colour"),
        (("--camera", "door"), "NAME=VALUE"),
        (("--tls-key", "k.pem"), "tls_certificate and tls_key"),
        (("--set", "session_hours=-1"), "session_hours"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    here: Callable[..., str], options: tuple[str, ...], said: str
) -> None:
    assert said in here("serve", "--port", "0", *options)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ExtraMissing, match="uvicorn is not installed") as caught:
        serve_app([], standalone_mode=False)
    assert "mien[server]" in caught.value.cure


@pytest.mark.parametrize("words", [["audit", "verify"], ["audit", "list"]])
def test_the_audit_without_the_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert run(words) == 2
    assert "mien[server]" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write, root included")
@pytest.mark.parametrize("place", ["/proc", "/proc/mien"])
def test_a_state_folder_that_cannot_be_written_is_named_before_anything_is_served(
    service: Service, config: ServerConfig, place: str
) -> None:
    with pytest.raises(SettingsError, match=f"folder {place}") as caught:
        open_state(service.gallery, config.model_copy(update={"state_dir": Path(place)}))
    assert "state_dir" in caught.value.cure


def test_a_key_of_the_state_that_is_none_is_no_fault(service: Service, config: ServerConfig) -> None:
    (config.state_dir / "state.key").write_text("{}")
    with pytest.raises(GalleryDamaged, match=r"state\.key"):
        open_state(service.gallery, config)


def test_a_gallery_that_cannot_be_made_there_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "file"))
    assert run(["serve", "--port", "0"]) == 2
    said = capsys.readouterr()
    assert "cannot be made there" in said.err and "--gallery" in said.err and "mien serves" not in said.out


@pytest.mark.parametrize("words", [("audit", "verify"), ("serve", "reset-password", "admin")])
def test_without_a_state_there_is_nothing_to_look_at(here: Callable[..., str], words: tuple[str, ...]) -> None:
    assert "no state" in here(*words)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "c.pem").write_bytes(made.public_bytes(pem))
    (folder / "k.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return folder / "c.pem", folder / "k.pem"


def test_tls(serve: Callable[..., Served], tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    served = serve("--host", "localhost", "--tls-certificate", str(chain), "--tls-key", str(key), workers=2)
    assert served.url.startswith("https://localhost:")
    with served.client(verify=ssl.create_default_context(cafile=str(chain))) as client:
        first_password(served, client)
        assert client.get("/v1/session").status_code == 200
        assert "__Host-mien_session" in client.cookies
    assert served.stop(signal.SIGINT) == 0
    assert "WARNING" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (("--host", "0.0.0.0"), True),
        (("--host", "0.0.0.0", "--set", "public_url=https://faces.example"), False),
        ((), False),
    ],
)
def test_a_loud_warning_without_tls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], warned: bool
) -> None:
    monkeypatch.setattr(running, "listen", lambda _: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr(running, "prepare", lambda *_: None)
    monkeypatch.setattr(running, "serve", lambda *_: None)
    assert run(["serve", "--port", "0", *options]) == 0
    assert ("WITHOUT TLS" in capsys.readouterr().err) == warned
