"""What turns people into sealed pieces and back, for every kind of records: keys, seals, look-up tags, rotation."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mien.face import Floats
from mien.gallery.people import Template
from mien.gallery.store.content import Shelf, decode_probe, decode_shelf, encode_probe, encode_shelf, moment
from mien.gallery.store.records import GalleryInfo, GalleryPolicy
from mien.gallery.store.rotation import rotate, rotate_back
from mien.gallery.store.seal import Seal, Table, derive, key_check, lookup_tag, same_name
from mien.gallery.store.slots import GalleryKeys

_START = datetime(1970, 1, 1, tzinfo=UTC)


class RootKeys:
    """The keys that belong to a gallery as a whole, all derived from one root."""

    def __init__(self, gallery: bytes, keys: GalleryKeys) -> None:
        self.gallery = gallery
        self.ledger = Seal(derive(keys.root, "ledger"), gallery)
        self.database = derive(keys.root, "database")
        self.lookup = derive(keys.root, "look-up")
        self.signer = keys.signer()

    def seal_info(self, info: GalleryInfo) -> bytes:
        """The gallery's identity, sealed as the gallery's own."""
        fields = asdict(info) | {"created_at": info.created_at.isoformat()}
        return self.ledger.close(Table.META, 0, json.dumps(fields).encode())

    def open_info(self, sealed: bytes, number: int) -> GalleryInfo:
        """The gallery's identity, at format `number`."""
        fields = json.loads(self.ledger.open(Table.META, 0, sealed))
        policy = GalleryPolicy(**fields.pop("policy"))
        own = {"created_at": moment(fields["created_at"]), "format": number, "policy": policy}
        return GalleryInfo(**fields | own)

    def seal_rotation(self, rotation: Floats) -> bytes:
        """The secret rotation, sealed as the gallery's own."""
        return self.ledger.close(Table.META, 1, rotation.astype("<f4", copy=False).tobytes())

    def open_rotation(self, sealed: bytes, dim: int) -> Floats:
        """(D, D) float32."""
        content = self.ledger.open(Table.META, 1, sealed)
        return np.frombuffer(content, dtype="<f4").reshape(dim, dim).astype(np.float32)


class Vault:
    """What seals and opens the content of one gallery at one generation. Immutable, so safe in every thread."""

    def __init__(self, root: RootKeys, info: GalleryInfo, rotation: Floats) -> None:
        self.root = root
        self.gallery = root.gallery
        self.ledger = root.ledger
        self.info = info
        self.dim = info.dim
        self.rotation = rotation

    def seal(self, key: bytes, person: bytes) -> Seal:
        """What seals a person's content under the data key."""
        return Seal(key, self.gallery, person)

    def check(self, key: bytes, person: bytes) -> bytes:
        """What a row keeps to know its own data key again."""
        return key_check(key, self.gallery, person)

    def name_tag(self, name: str) -> bytes:
        """What a name is found by; see `lookup_tag` for what it reveals."""
        return lookup_tag(self.root.lookup, "name", same_name(name))

    def external_tag(self, external_id: str | None) -> bytes | None:
        """What an external id is found by."""
        return None if external_id is None else lookup_tag(self.root.lookup, "external id", external_id)

    def new_shelf(self, labels: bytes, templates: Sequence[Template], vectors: Floats) -> Shelf:
        """Templates made ready to be stored; `vectors` (N, D) are theirs."""
        has_crop = [self.info.policy.keep_crops and one.crop is not None for one in templates]
        return Shelf(labels, list(templates), rotate(vectors, self.rotation), has_crop)

    def close_shelf(self, seal: Seal, row: int, shelf: Shelf) -> bytes:
        """The sealed templates of the person in a row."""
        return seal.close(Table.TEMPLATES, row, encode_shelf(shelf))

    def open_shelf(self, seal: Seal, row: int, sealed: bytes) -> Shelf:
        """What `close_shelf` made."""
        return decode_shelf(seal.open(Table.TEMPLATES, row, sealed), self.dim)

    def with_vectors(self, shelf: Shelf, crops: Mapping[int, bytes]) -> list[Template]:
        """The templates as they were given. crops: by template id."""
        vectors = rotate_back(shelf.stored, self.rotation)
        vectors.flags.writeable = False
        return [
            dataclasses.replace(one, vector=vector, crop=crops.get(one.id))
            for one, vector in zip(shelf.templates, vectors, strict=True)
        ]

    def close_probe(self, vector: Floats, rest: Sequence[Any]) -> bytes:
        """The content of a negative or past answer, not sealed yet. vector: (D,)."""
        return encode_probe(rotate(vector[np.newaxis], self.rotation)[0], rest)

    def open_probe(self, content: bytes) -> tuple[Floats, list[Any]]:
        """What `close_probe` made."""
        stored, rest = decode_probe(content, self.dim)
        return rotate_back(stored[np.newaxis], self.rotation)[0], rest

    def micros(self, at: datetime) -> int:
        """A time as a column holds it: microseconds since 1970."""
        return (at - _START) // timedelta(microseconds=1)

    def time(self, micros: int) -> datetime:
        """What `micros` made."""
        return _START + timedelta(microseconds=micros)
