"""How the service runs on this machine; read once at its start, never changed by a request."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from mien.errors import SettingsError
from mien.image import ImageLimits
from mien.settings import MEGA, config_file, load_settings

TABLE = "server"


class ServerConfig(BaseSettings):
    """Everything of the service that can be set: MIEN_SERVER_<NAME>, or `<name>` in the table [server] of mien.toml.

    host, port: where it listens. state_dir: what the service itself keeps: accounts, keys, audit, jobs. workers:
    processes. tls_certificate, tls_key: PEM files; without them it speaks plain HTTP. public_url: how browsers reach it
    through a proxy, which is what cookies and origins are checked by. proxies: addresses whose X-Forwarded-For is
    believed. threads: photos worked on at once by a process. queue: photos that may wait; more are refused with 503.
    photo_bytes, photo_pixels, video_bytes: limits of one upload. request_seconds: after which a photo that still waits
    is given up. live_sessions: at once, a process. requests_per_minute: of one caller. login_failures: after which an
    account is locked for a while. session_hours: after which a browser must log in anew. cameras: by name, what
    `mien watch` takes. outputs: where events go, by https or mqtt; a request can change neither.
    oidc_issuer, oidc_client_id, oidc_client_secret: log in by another service.
    """

    model_config = SettingsConfigDict(env_prefix="MIEN_SERVER_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8460
    state_dir: Path = Field(default_factory=lambda: load_settings().data_dir / "server")
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    public_url: str = ""
    proxies: Annotated[tuple[str, ...], NoDecode] = ()
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    queue: Annotated[int, Field(ge=1, le=10_000)] = 32
    photo_bytes: Annotated[int, Field(ge=1)] = 20 * MEGA
    photo_pixels: Annotated[int, Field(ge=1)] = 40 * MEGA
    video_bytes: Annotated[int, Field(ge=1)] = 2000 * MEGA
    request_seconds: Annotated[float, Field(gt=0)] = 30.0
    live_sessions: Annotated[int, Field(ge=0, le=1000)] = 4
    requests_per_minute: Annotated[int, Field(ge=1)] = 1200
    login_failures: Annotated[int, Field(ge=1, le=100)] = 5
    session_hours: Annotated[float, Field(gt=0)] = 12.0
    log_format: Literal["text", "json"] = "text"
    cameras: dict[str, str] = Field(default_factory=dict)
    outputs: Annotated[tuple[str, ...], NoDecode] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)

    @field_validator("outputs", "proxies", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        """As the environment has them."""
        return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _both_or_none(self) -> ServerConfig:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self

    @property
    def tls(self) -> bool:
        """Whether the service itself speaks TLS."""
        return self.tls_certificate is not None

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https, so that cookies may demand it."""
        return self.tls or self.public_url.startswith("https://")

    @property
    def photo_limits(self) -> ImageLimits:
        """Of a photo in a request, by the names that these settings have."""
        return ImageLimits(self.photo_pixels, self.photo_bytes, "photo_pixels", "photo_bytes")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Strongest first: arguments (which hold the file's values beneath, see `load_config`), environment."""
        return init_settings, env_settings


def load_config(**over: object) -> ServerConfig:
    """File, environment over it, keyword arguments that are not None over both. Raises SettingsError."""
    said = {name: value for name, value in over.items() if value is not None}
    try:
        return ServerConfig(**_beneath_environment(_table()) | said)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"Setting {name or TABLE!r} of the server: {first['msg']}.",
            f"Mend it where it is set: an option, the environment (MIEN_SERVER_...) or [{TABLE}] in {config_file()}.",
        ) from error


def _table() -> dict[str, Any]:
    """What mien.toml has under [server]. Raises SettingsError."""
    if not config_file().exists():
        return {}
    try:
        table = tomllib.loads(config_file().read_text(encoding="utf-8")).get(TABLE, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config_file()} is not valid TOML: {error}.", "Mend or remove the file.") from error
    if not isinstance(table, dict):
        raise SettingsError(f"`{TABLE}` in {config_file()} is no table.", f"Begin it with [{TABLE}].")
    return table


def _beneath_environment(table: dict[str, Any]) -> dict[str, Any]:
    """The values that the environment does not set, too."""
    return {name: value for name, value in table.items() if f"MIEN_SERVER_{name}".upper() not in os.environ}
