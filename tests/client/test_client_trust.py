"""By which certificates a service is known; what importing the client loads."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from mien.client import AsyncClient, Client, NoAnswer
from mien.client.body import SourceMissing

DAY = datetime.timedelta(days=1)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A PEM file with a key and the certificate of this machine that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mien test")])
    now = datetime.datetime.now(datetime.UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - DAY, now + DAY).add_extension(own, False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + signed)
    return path


@pytest.fixture
def secure(app: FastAPI, certificate: Path) -> Iterator[str]:
    """The address of a service that speaks TLS."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ssl_certfile=certificate))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def test_a_service_is_known_by_the_certificate_that_is_named(secure: str, key: str, certificate: Path) -> None:
    with Client(secure, key, ca=certificate) as client:
        assert client.get_session().id
    with Client(secure, key, ca=ssl.create_default_context(cafile=certificate)) as client:
        assert client.get_session().id


def test_an_unknown_certificate_is_refused(secure: str, key: str) -> None:
    with Client(secure, key, patience=0) as client, pytest.raises(NoAnswer, match="certificate"):
        client.get_live()


def test_live_sessions_trust_alike(secure: str, key: str, certificate: Path) -> None:
    async def run() -> None:
        async with AsyncClient(secure, key, ca=certificate) as client, client.live() as session:
            assert session.ready
        async with AsyncClient(secure, key) as client:
            with pytest.raises(NoAnswer, match="certificate"):
                async with client.live():
                    pass

    asyncio.run(run())


def test_a_file_without_certificates(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        Client("https://service.example", ca=tmp_path / "none.pem")


def test_the_client_loads_neither_the_service_nor_a_network() -> None:
    code = "import sys, mien.client; print(sorted({'fastapi', 'starlette', 'argon2', 'openvino'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
