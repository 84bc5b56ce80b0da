"""What an operator says as NAME=VALUE: a profile, a consent, a policy, whom to search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from mien.errors import SettingsError
from mien.gallery.people import Consent
from mien.gallery.search.labels import Filter
from mien.gallery.store.records import GalleryPolicy

TIMES: Final = "Times are ISO 8601; without a zone they are local, a date alone is its first moment."
PROFILE_HELP: Final = f"external_id, tag, group, tenant, valid_from, valid_until; tag and group repeat. {TIMES}"
CONSENT_HELP: Final = f"by, purpose, how, at (now, where left out), until. {TIMES}"
FILTER_HELP: Final = f"Whom to look among: tenant, group (any of several), at. {TIMES}"
PLURAL: Final = {"tag": "tags", "group": "groups"}
CONSENT: Final = {"by": "given_by", "at": "given_at", "purpose": "purpose", "how": "how", "until": "until"}
NEEDED: Final = ("by", "purpose", "how")


def moment_of(text: str) -> datetime:
    """A time in UTC. Raises SettingsError."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SettingsError(f"{text!r} is not a time.", "Write it as 2027-01-31 or 2027-01-31T18:00+01:00.") from error


def profile_of(given: Sequence[str] | None) -> dict[str, Any]:
    """The fields of a profile that are named; an empty value clears its field."""
    said = _pairs(given, "--set", ("external_id", "tag", "group", "tenant", "valid_from", "valid_until"), PLURAL)
    known: dict[str, Any] = {}
    for name, values in said.items():
        if name in PLURAL:
            known[PLURAL[name]] = tuple(dict.fromkeys(value for value in values if value))
        elif name.startswith("valid"):
            known[name] = moment_of(values[0]) if values[0] else None
        else:
            known[name] = values[0] or ("" if name == "tenant" else None)
    start, end = known.get("valid_from"), known.get("valid_until")
    if start and end and start >= end:
        raise SettingsError("valid_until is not after valid_from.", "Say when the person may be recognised.")
    return known


def consent_of(given: Sequence[str] | None, before: Consent | None = None) -> Consent | None:
    """A consent record, or `before` with what is named anew. Raises SettingsError where something is left out."""
    if not given:
        return before
    said = {name: values[0] for name, values in _pairs(given, "--consent", tuple(CONSENT)).items()}
    if missing := [] if before else [name for name in NEEDED if not said.get(name, "").strip()]:
        raise SettingsError(
            f"The consent does not say: {', '.join(missing)}.",
            'Give, for example: --consent by=Anna --consent purpose="the door" --consent how="signed form".',
        )
    known: dict[str, Any] = {CONSENT[name]: said[name] for name in NEEDED if name in said}
    known |= {CONSENT[name]: moment_of(said[name]) for name in ("at", "until") if said.get(name)}
    if said.get("until") == "":
        known["until"] = None
    return replace(before, **known) if before else Consent(**{"given_at": datetime.now(UTC)} | known)


def filter_of(given: Sequence[str] | None) -> Filter:
    """Whom to look among."""
    said = _pairs(given, "--set", ("tenant", "group", "at"), {"group": "groups"})
    return Filter(
        tenant=said["tenant"][0] if "tenant" in said else None,
        groups=frozenset(said.get("group", ())),
        at=moment_of(said["at"][0]).timestamp() if "at" in said else None,
    )


def policy_of(given: Sequence[str] | None) -> GalleryPolicy:
    """A policy with what is named."""
    said = _pairs(given, "--set", tuple(item.name for item in fields(GalleryPolicy)))
    try:
        return TypeAdapter(GalleryPolicy).validate_python({name: values[0] for name, values in said.items()})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"--set {first['loc'][0]}: {first['msg']}.", "docs/gallery.md has the policy.") from error


def text_of(text: str, what: str) -> str:
    """A name or the like that is not empty and is whole UTF-8. Raises SettingsError."""
    if not text.strip() or text.encode(errors="ignore").decode() != text:
        raise SettingsError(f"{what} {text!r} is no text.", "Give it at least one letter, in UTF-8.")
    return text


def _pairs(
    given: Iterable[str] | None, option: str, names: Sequence[str], repeat: Iterable[str] = ()
) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if name not in names or not equals:
            raise SettingsError(f"{option} {pair} is not known.", f"Give NAME=VALUE, NAME one of: {', '.join(names)}.")
        if value:
            text_of(value, f"{option} {name}:")
        if name in said and name not in repeat:
            raise SettingsError(f"{option} {name} is said twice.", "Say it once.")
        said.setdefault(name, []).append(value)
    return said
