"""What a file is, by its first bytes: its name is never asked."""

from __future__ import annotations

from typing import Final, NoReturn

from mien.errors import ImageEmpty, ImageFormatRefused

READABLE: Final = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF and HEIC"
HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
BMP_HEADER_SIZES: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
SIGNATURES: Final = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)
STRANGERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg audio or video"),
    (b"fLaC", "a FLAC audio"),
    (b"ID3", "an MP3 audio"),
    (b"\0\0\x01\xba", "an MPEG video"),
    (b"\0\0\x01\xb3", "an MPEG video"),
    (b"FLV\x01", "a Flash video"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\x01\0", "an icon"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"\x93NUMPY", "a NumPy array file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def sniff(data: bytes) -> str:
    """The format's name: jpeg, png, webp, bmp, tiff, gif, avif or heic.

    Raises ImageEmpty without bytes, ImageFormatRefused for any other content, and says what it looks like.
    """
    if not data:
        raise ImageEmpty("The image has 0 bytes.", "Was it fully copied or uploaded?")
    if data[:2] == b"II" and data[8:10] == b"CR":
        refuse("a camera's raw photo")
    for signature, name in SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in BMP_HEADER_SIZES:
        return "bmp"
    if data[4:8] == b"ftyp":
        return _sniff_boxes(data)
    refuse(_looks_like(data))


def refuse(looks_like: str) -> NoReturn:
    """Raise ImageFormatRefused for what the content looks like."""
    raise ImageFormatRefused(f"This is {looks_like}, not an image that mien reads.", f"It reads {READABLE}.")


def _sniff_boxes(data: bytes) -> str:
    """Tell AVIF, HEIC and video apart by the brands of ISO/IEC 14496-12's `ftyp` box."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, end, 4)}
    if brands & AVIF_BRANDS:
        return "avif"
    if brands & HEIC_BRANDS:
        return "heic"
    refuse("a video (MP4, QuickTime or their kin)")


def _looks_like(data: bytes) -> str:
    for signature, name in STRANGERS:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF":
        return "an AVI video" if data[8:12] == b"AVI " else "a WAV audio or other RIFF file"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<?xml"):
        return "an XML document"
    return "text" if _is_text(data[:1024]) else "of no format known here"


def _is_text(start: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\r\n\f\x1b" for byte in start):
        return False
    try:
        start[:-3].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
