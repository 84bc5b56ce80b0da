"""What is inside of the sealed pieces: bytes in, nouns out. No keys and no SQL here."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats
from mien.gallery.errors import GalleryError
from mien.gallery.people import Consent, Profile, Template
from mien.gallery.search.labels import Labels
from mien.gallery.store.seal import ID_BYTES

ID_LETTERS: Final = 26
_PROFILE: Final = tuple(item.name for item in fields(Profile) if item.name != "consent")
_BASE32: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_PAIRS: Final = [chr(one) + chr(two) for one in _BASE32 for two in _BASE32]
_HEAD: Final = Struct("<II")


def id_text(raw: bytes) -> str:
    """16 bytes as 26 lower-case characters of base32 (RFC 4648, without padding)."""
    # `base64` takes four times as long, which counts when thousands are enrolled at once.
    number = int.from_bytes(raw) << 2
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def id_texts(raw: Sequence[bytes]) -> tuple[str, ...]:
    """As `id_text`, for many at once: `base64` takes several microseconds for each."""
    if not raw:
        return ()
    bits = np.unpackbits(np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(-1, ID_BYTES), axis=1)
    fives = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 5))).reshape(len(raw), -1, 5)
    letters = _BASE32[fives @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)].tobytes().decode()
    return tuple(letters[start : start + ID_LETTERS] for start in range(0, len(letters), ID_LETTERS))


def id_bytes(text: str) -> bytes | None:
    """The 16 bytes of an id, or None where `text` cannot be one."""
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    return raw if len(raw) == ID_BYTES and id_text(raw) == text else None


def encode_profile(profile: Profile, created_at: datetime) -> bytes:
    """A profile with the moment of enrolment, as JSON without what is left at its default."""
    said = {name: value for name in _PROFILE if (value := getattr(profile, name))}
    if profile.consent is not None:
        said["consent"] = asdict(profile.consent)
    return _json(said | {"name": profile.name, "created_at": created_at})


def decode_profile(content: bytes) -> tuple[Profile, datetime]:
    """What `encode_profile` made."""
    said: dict[str, Any] = json.loads(content)
    created_at = moment(said.pop("created_at"))
    consent = said.pop("consent", None)
    if consent:
        consent = Consent(**_with_moments(consent, ("given_at", "until")))
    said = _with_moments(said, ("valid_from", "valid_until"))
    for name in ("tags", "groups"):
        said[name] = tuple(said.get(name, ()))
    return Profile(**said, consent=consent), created_at


def labels_of(profile: Profile) -> Labels:
    """What an index filters a person by. Nobody is found after the end of the consent, whatever else is valid."""
    ends = [one for one in (profile.valid_until, profile.consent and profile.consent.until) if one]
    start = profile.valid_from.timestamp() if profile.valid_from else None
    return Labels(profile.tenant, frozenset(profile.groups), start, min(ends).timestamp() if ends else None)


def encode_labels(profile: Profile) -> bytes:
    """Labels, kept beside the vectors so that a scan opens one piece; empty for a plain profile."""
    until = profile.consent and profile.consent.until
    if not any((profile.tenant, profile.groups, profile.valid_from, profile.valid_until, until)):
        return b""
    labels = labels_of(profile)
    return _json([labels.tenant, sorted(labels.groups), labels.valid_from, labels.valid_until])


def decode_labels(content: bytes) -> Labels:
    """What `encode_labels` made, as an index takes it."""
    tenant, groups, *limits = json.loads(content) if content else ("", (), None, None)
    return Labels(tenant, frozenset(groups), *limits)


@dataclass(slots=True)
class Shelf:
    """A person's templates as they are stored: the vectors and crops in `templates` are not used.

    labels: as `encode_labels` made them. stored: (N, D) float32, rotated. has_crop: whether each has one.
    """

    labels: bytes
    templates: list[Template]
    stored: Floats
    has_crop: list[bool]

    def part(self, start: int, end: int) -> Shelf:
        """Some of the templates, without labels."""
        return Shelf(b"", self.templates[start:end], self.stored[start:end], self.has_crop[start:end])


def encode_shelf(shelf: Shelf) -> bytes:
    """Labels, template ids (int64), rotated vectors (N, D) float32, then the rest as JSON."""
    ids = np.array([one.id for one in shelf.templates], dtype="<i8")
    rest = [
        [None if math.isnan(one.quality) else one.quality, one.source, one.added_at, has_crop]
        for one, has_crop in zip(shelf.templates, shelf.has_crop, strict=True)
    ]
    head = _HEAD.pack(len(ids), len(shelf.labels))
    vectors = shelf.stored.astype("<f4", copy=False)
    return b"".join([head, shelf.labels, ids.tobytes(), vectors.tobytes(), _json(rest)])


def cut_shelf(content: bytes, dim: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Labels, ids, vectors and the rest, each still bytes: fast, for many people."""
    count, labels_bytes = _HEAD.unpack_from(content)
    ids = _HEAD.size + labels_bytes
    vectors = ids + 8 * count
    rest = vectors + 4 * count * dim
    return content[_HEAD.size : ids], content[ids:vectors], content[vectors:rest], content[rest:]


def decode_shelf(content: bytes, dim: int) -> Shelf:
    """What `encode_shelf` made."""
    labels, ids, vectors, rest = cut_shelf(content, dim)
    listed = json.loads(rest)
    empty = np.empty(0, dtype=np.float32)
    templates = [
        Template(empty, math.nan if quality is None else quality, source, moment(at), None, int(number))
        for number, (quality, source, at, _) in zip(np.frombuffer(ids, dtype="<i8"), listed, strict=True)
    ]
    stored = np.frombuffer(vectors, dtype="<f4").reshape(-1, dim).astype(np.float32)
    return Shelf(labels, templates, stored, [bool(item[3]) for item in listed])


@lru_cache(maxsize=256)
def count_detail(n_templates: int) -> bytes:
    """The detail of an event that says how many templates came."""
    return encode_detail({"templates": str(n_templates)})


def encode_detail(detail: Mapping[str, str]) -> bytes:
    """An event's detail."""
    return _json(dict(detail))


def decode_detail(content: bytes) -> dict[str, str]:
    """What `encode_detail` made."""
    result: dict[str, str] = json.loads(content)
    return result


def encode_probe(stored: Floats, rest: Sequence[Any]) -> bytes:
    """A rotated vector (D,) and what belongs to it: of a negative or of a past answer."""
    return stored.astype("<f4", copy=False).tobytes() + _json(list(rest))


def decode_probe(content: bytes, dim: int) -> tuple[NDArray[np.float32], list[Any]]:
    """The rotated vector (D,) and the rest."""
    return np.frombuffer(content[: 4 * dim], dtype="<f4").astype(np.float32), json.loads(content[4 * dim :])


def moment(text: str) -> datetime:
    """A time as it was stored: ISO 8601, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _with_moments(said: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: moment(value) if name in names and value else value for name, value in said.items()}


def _json(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


def _stored_moment(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not stored in a gallery")
    if value.tzinfo is None:
        raise GalleryError("A time without a time zone was given.", "Times in a gallery need a time zone, such as UTC.")
    return _iso(value.astimezone(UTC))


@lru_cache(maxsize=256)
def _iso(moment: datetime) -> str:
    # The templates of a batch mostly came at the same moment.
    return moment.isoformat()


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_stored_moment
)
