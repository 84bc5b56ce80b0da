"""What callers rely on: sources, scales, one decode for many threads."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from image_samples import difference, encode, exif, scene
from PIL import Image

from mien.errors import ImageArrayRefused, ImageEmpty, ImageError, ImageFormatRefused, ImageMissing, ImageTooLarge
from mien.image import ImageLimits, Photo, encode_image, open_photo, write_image

SCENE = scene(320, 241)
JPEG = encode(SCENE, "JPEG")


@pytest.fixture(autouse=True)
def small_photos_are_reduced_too(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples are small; only one test is about what small photos get."""
    if request.node.name != "test_a_small_jpeg_comes_at_full_size":
        monkeypatch.setattr("mien.image.jpeg.SMALL_PIXELS", 0)


def test_a_small_jpeg_comes_at_full_size() -> None:
    picture = open_photo(JPEG).pixels(0.1)
    assert (picture.scale_x, picture.scale_y) == (1.0, 1.0)


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ein Bild 图.jpg"
    path.write_bytes(JPEG)
    wanted = open_photo(JPEG).pixels().pixels
    with path.open("rb") as stream:
        sources: list[Any] = [path, str(path), bytearray(JPEG), memoryview(JPEG), io.BytesIO(JPEG), stream]
        for source in sources:
            assert np.array_equal(open_photo(source).pixels().pixels, wanted)


def test_a_photo_passes_through() -> None:
    photo = open_photo(JPEG)
    assert open_photo(photo) is photo


def test_bytes_may_change_after_opening() -> None:
    data = bytearray(JPEG)
    photo = open_photo(data)
    data[:] = bytes(len(data))
    assert difference(photo.pixels().pixels, SCENE) < 3


def test_a_stream_that_gives_little_at_a_time_is_read_to_its_end() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(100)

    assert difference(open_photo(Slow(JPEG)).pixels().pixels, SCENE) < 3


@pytest.mark.parametrize(
    ("scale", "eighths"),
    [(0.01, 1), (0.125, 1), (0.126, 2), (0.25, 2), (0.3, 3), (0.375, 3), (0.45, 4), (0.5, 4), (0.51, 8), (1.0, 8)],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_jpeg_decodes_at_the_least_scale_that_suffices(scale: float, eighths: int, orientation: int) -> None:
    photo = open_photo(encode(SCENE, "JPEG", exif=exif(orientation)))
    picture = photo.pixels(scale)
    height, width = picture.pixels.shape[:2]
    assert (width, height) == (-(-photo.width * eighths // 8), -(-photo.height * eighths // 8))
    assert (picture.scale_x, picture.scale_y) == (width / photo.width, height / photo.height)
    assert min(picture.scale_x, picture.scale_y) >= scale


def test_a_reduced_decode_shows_the_same_picture() -> None:
    small = open_photo(JPEG).pixels(0.25).pixels
    reference = Image.fromarray(SCENE).resize((small.shape[1], small.shape[0]), Image.Resampling.BOX)
    assert difference(small, np.asarray(reference)) < 2


def test_cmyk_and_grey_jpeg_decode_reduced() -> None:
    for mode in ("L", "CMYK"):
        photo = open_photo(encode(Image.fromarray(SCENE).convert(mode), "JPEG"))
        assert photo.pixels(0.25).pixels.shape == (61, 80, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (8, 8), (9, 17)])
def test_tiny_jpegs_at_every_scale(size: tuple[int, int]) -> None:
    for scale in (0.01, 0.2, 0.4, 0.6, 1.0):
        picture = open_photo(encode(scene(*size), "JPEG")).pixels(scale)
        assert min(picture.scale_x, picture.scale_y) >= scale
        assert max(picture.scale_x, picture.scale_y) <= 1


def test_other_formats_come_at_full_size() -> None:
    picture = open_photo(encode(SCENE, "PNG")).pixels(0.1)
    assert (picture.scale_x, picture.scale_y) == (1.0, 1.0)


@pytest.mark.parametrize("scale", [0, -1, 1.01, float("nan")])
def test_a_scale_out_of_range_is_the_callers_mistake(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        open_photo(JPEG).pixels(scale)


def test_a_decode_does_not_depend_on_the_requests_before_it() -> None:
    """Else two threads that share a photo would get different faces."""
    photo = open_photo(JPEG)
    small = photo.pixels(0.2)
    assert photo.pixels(0.24) is small
    assert photo.pixels(1.0).pixels.shape == SCENE.shape
    assert photo.pixels(0.2) is small


def test_threads_share_one_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = simplejpeg.decode_jpeg

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(1)
        time.sleep(0.01)
        return real(*args, **options)

    monkeypatch.setattr(simplejpeg, "decode_jpeg", counted)
    photo = open_photo(JPEG)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(photo.pixels, [1.0] * 64))
    assert len(calls) == 1
    assert all(picture is pictures[0] for picture in pictures)


def test_threads_decode_different_photos_to_the_same_bits() -> None:
    files = [encode(scene(97 + k, 64), kind) for k in range(4) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF")]
    alone = [open_photo(data).pixels().pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: open_photo(data).pixels().pixels, files * 5))
    assert all(np.array_equal(one, alone[index % len(files)]) for index, one in enumerate(together))


def test_pictures_are_frozen() -> None:
    picture = open_photo(JPEG).pixels()
    with pytest.raises(FrozenInstanceError):
        picture.scale_x = 2.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0] = 0


def test_an_array_is_a_photo_already() -> None:
    photo = open_photo(SCENE)
    assert (photo.width, photo.height, photo.format) == (320, 241, "array")
    assert np.shares_memory(photo.pixels(0.1).pixels, SCENE)
    assert not photo.pixels().pixels.flags.writeable
    assert SCENE.flags.writeable


def test_a_strided_array_becomes_contiguous() -> None:
    picture = open_photo(SCENE[:, ::-1]).pixels()
    assert picture.pixels.flags.c_contiguous
    assert np.array_equal(picture.pixels, SCENE[:, ::-1])


REFUSED = {
    "grey": (SCENE[..., 0], "Grey becomes RGB"),
    "float": (SCENE / 255, "Floats"),
    "alpha": (np.dstack([SCENE, SCENE[..., :1]]), "Drop alpha"),
    "batch": (SCENE[None], "one by one"),
    "planes": (SCENE.transpose(2, 0, 1), "Planes"),
    "16 bits": (SCENE.astype(np.uint16) * 257, "16-bit"),
    "objects": (np.array([object()]), ""),
}


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_other_arrays_are_refused_with_the_way_to_convert(kind: str) -> None:
    array, cure = REFUSED[kind]
    with pytest.raises(ImageArrayRefused, match=r"not \(H, W, 3\) uint8 RGB") as caught:
        open_photo(array)  # type: ignore[arg-type]
    assert cure in caught.value.cure


def test_arrays_obey_the_limits() -> None:
    with pytest.raises(ImageEmpty):
        open_photo(SCENE[:0])
    with pytest.raises(ImageTooLarge):
        open_photo(SCENE, ImageLimits(max_pixels=100))


@pytest.mark.parametrize("source", [None, 3, [1, 2], Image.new("RGB", (4, 4))])
def test_what_is_no_source_is_refused(source: Any) -> None:
    with pytest.raises(ImageArrayRefused, match="no path, bytes, binary file or array"):
        open_photo(source)


def test_a_text_stream_is_refused() -> None:
    with pytest.raises(ImageFormatRefused, match="'rb'"):
        open_photo(io.StringIO("x"))  # type: ignore[arg-type]


def test_missing_paths_say_why(tmp_path: Path) -> None:
    for source, reason in (
        (tmp_path / "none.jpg", "no file"),
        (tmp_path, "folder"),
        ("https://example.org/a.jpg", "not web addresses"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("", "folder"),
    ):
        with pytest.raises(ImageMissing, match=reason):
            open_photo(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ImageMissing, match="device, pipe or socket"):
            open_photo(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything")
def test_a_file_without_permission_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(JPEG)
    path.chmod(0)
    with pytest.raises(ImageMissing, match="ermission"):
        open_photo(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_written_images_come_back_without_metadata(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_image(path, SCENE)
    assert difference(open_photo(path).pixels().pixels, SCENE) < 2
    assert list(tmp_path.iterdir()) == [path]
    with Image.open(path) as image:
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


def test_writing_replaces_the_whole_file_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, SCENE)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_image(path, np.zeros((4, 4, 7), np.uint8))
    assert path.read_bytes() == before
    write_image(path, SCENE[:10])
    assert open_photo(path).height == 10
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OSError):
        write_image(tmp_path / "taken.png", SCENE)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]


def test_unknown_suffixes_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ImageFormatRefused, match=r"\.txt"):
        write_image(tmp_path / "a.txt", SCENE)
    assert encode_image(SCENE, ".png").startswith(b"\x89PNG")


def test_errors_keep_their_code_and_cure() -> None:
    with pytest.raises(ImageError) as caught:
        open_photo(b"")
    assert caught.value.code == "image-empty"
    assert caught.value.cure in str(caught.value)
    assert isinstance(open_photo(JPEG), Photo)
