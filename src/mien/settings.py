"""Settings, read once and passed down: a file, then the environment over it, then what the caller says over both."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from mien.errors import SettingsError

MEGA = 1_000_000


def config_file() -> Path:
    """Where the settings file lies: `mien.toml` in the platform's configuration directory."""
    return Path(platformdirs.user_config_dir("mien", appauthor=False)) / "mien.toml"


def default_cache_dir() -> Path:
    """The platform's cache directory for mien, where weights are kept."""
    return Path(platformdirs.user_cache_dir("mien", appauthor=False))


def default_data_dir() -> Path:
    """The platform's data directory for mien, where calibrations that the user built are kept."""
    return Path(platformdirs.user_data_dir("mien", appauthor=False))


class _File(TomlConfigSettingsSource):
    """The settings file without the table of `mien serve`, which reads that itself."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name != "server"}


class Settings(BaseSettings):
    """Everything that can be set, each as MIEN_<NAME> in the environment or `<name>` in the file.

    cache_dir: where weights are kept. data_dir: where the user's own calibrations are kept. offline: never fetch
    anything. policy: `any`, or `commercial` to refuse weights whose licence does not clearly allow commercial use.
    engine: what runs the models. profile: what quality is judged by, `door` or `document`. expression_model: name of
    the card that names expressions. expression_classes: the vocabulary, `ferplus` or `fer2013` with the model that mien
    ships. min_confidence: 0..1, an expression with a lower calibrated probability is `unsure`. gallery: the one that is
    worked on, a folder or postgresql://...; empty: `gallery` in data_dir. webhook_secret: signs what
    `mien watch` sends to webhooks; empty: nothing is signed. threads: images worked on at once.
    max_pixels, max_bytes: limits of one image, checked before it is decoded.
    """

    model_config = SettingsConfigDict(env_prefix="MIEN_", extra="forbid", frozen=True)

    cache_dir: Path = Field(default_factory=default_cache_dir)
    data_dir: Path = Field(default_factory=default_data_dir)
    offline: bool = False
    policy: Literal["any", "commercial"] = "any"
    engine: Literal["openvino", "onnxruntime"] = "openvino"
    profile: Literal["door", "document"] = "door"
    expression_model: str = "expression"
    expression_classes: str = "ferplus"
    gallery: str = ""
    webhook_secret: str = ""
    min_confidence: float = Field(default=0.5, ge=0, le=1)
    threads: int = Field(default=1, ge=1, le=256)
    max_pixels: int = Field(default=100 * MEGA, ge=1)
    max_bytes: int = Field(default=200 * MEGA, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Strongest first: arguments, environment, file."""
        return init_settings, env_settings, _File(settings_cls, toml_file=config_file())


def load_settings(**over: Any) -> Settings:
    """Read the settings; keyword arguments that are not None win over environment and file.

    Raises SettingsError with the name of the setting that has a wrong value.
    """
    try:
        return Settings(**{name: value for name, value in over.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"Setting {name!r}: {first['msg']}.",
            f"Mend it where it is set: an option, the environment (MIEN_...) or {config_file()}.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config_file()} is not valid TOML: {error}.", "Mend or remove the file.") from error
