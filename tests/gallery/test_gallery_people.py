"""What the records keep of people comes back as it was given."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gallery.stored_people import NOW, template

from mien.gallery.errors import EnrolmentRefused, GalleryError
from mien.gallery.people import Consent, Profile, Template
from mien.gallery.store.content import (
    Shelf,
    decode_labels,
    decode_profile,
    decode_shelf,
    encode_labels,
    encode_profile,
    encode_shelf,
    id_bytes,
    id_text,
    id_texts,
)

TIMES = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2150, 1, 1), timezones=st.just(UTC))
WORDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
CONSENTS = st.builds(Consent, WORDS, TIMES, WORDS, WORDS, st.none() | TIMES)
PROFILES = st.builds(
    Profile,
    WORDS,
    st.none() | WORDS.filter(bool),
    st.lists(WORDS).map(tuple),
    st.lists(WORDS).map(tuple),
    WORDS,
    st.none() | TIMES,
    st.none() | TIMES,
    st.none() | CONSENTS,
)


@settings(max_examples=40, deadline=None)
@given(PROFILES)
def test_a_profile_comes_back(profile: Profile) -> None:
    assert decode_profile(encode_profile(profile, NOW)) == (profile, NOW)


@settings(max_examples=40, deadline=None)
@given(PROFILES)
def test_labels_say_what_the_profile_says(profile: Profile) -> None:
    labels = decode_labels(encode_labels(profile))
    assert (labels.tenant, labels.groups) == (profile.tenant, frozenset(profile.groups))
    assert labels.valid_from == (profile.valid_from and profile.valid_from.timestamp())
    ends = [profile.valid_until, profile.consent and profile.consent.until]
    assert labels.valid_until == min((one.timestamp() for one in ends if one), default=None)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_an_id_is_26_letters_and_comes_back(raw: bytes) -> None:
    text = id_text(raw)
    assert len(text) == 26 and text == text.lower()
    assert id_bytes(text) == raw
    assert id_texts([raw, bytes(16)]) == (text, id_text(bytes(16)))


@pytest.mark.parametrize("text", ["", "anna", "a" * 25, "a" * 27, "A" * 26, "1" * 26, "é" * 26, "a" * 25 + "b"])
def test_what_is_no_id_is_none(text: str) -> None:
    """The last: bits beyond the sixteenth byte, which would make two texts one id."""
    assert id_bytes(text) is None


def test_templates_come_back() -> None:
    given = [template(1), Template(template(2).vector, math.nan, "", NOW + timedelta(days=1), id=7)]
    stored = np.array([one.vector for one in given])
    shelf = decode_shelf(encode_shelf(Shelf(b"[labels]", given, stored, [True, False])), stored.shape[1])
    assert shelf.labels == b"[labels]" and shelf.has_crop == [True, False]
    assert np.array_equal(shelf.stored, stored)
    assert [(one.id, one.source, one.added_at) for one in shelf.templates] == [
        (one.id, one.source, one.added_at) for one in given
    ]
    assert shelf.templates[0].quality == 70.5 and math.isnan(shelf.templates[1].quality)


def test_nobody_without_templates_is_lost() -> None:
    shelf = decode_shelf(encode_shelf(Shelf(b"", [], np.empty((0, 8), np.float32), [])), 8)
    assert shelf.templates == [] and shelf.stored.shape == (0, 8)


def test_times_are_kept_in_utc() -> None:
    east = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    back = decode_profile(encode_profile(Profile("A", valid_from=east), NOW))[0].valid_from
    assert back == east and back is not None and back.tzinfo is UTC


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(GalleryError, match="time zone"):
        encode_profile(Profile("A", valid_from=datetime(2026, 1, 1)), NOW)


def test_a_refusal_has_its_reasons() -> None:
    error = EnrolmentRefused(("The eyes are shut.", "It is dark."), "Take another photo.")
    assert error.reasons == ("The eyes are shut.", "It is dark.")
    assert str(error) == "The eyes are shut. It is dark. Take another photo."
