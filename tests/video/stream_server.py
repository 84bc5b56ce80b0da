"""Cameras on 127.0.0.1 for tests: MPEG-TS and MJPEG over HTTP, H.264 over RTSP (RFC 2326, 3550, 6184)."""

from __future__ import annotations

import base64
import io
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import av
from tests.video.numbered_video import HEIGHT, WIDTH, numbered

from mien.image import encode_image

RATE = 25
PAYLOAD_BYTES = 1200


class Cameras(socketserver.ThreadingTCPServer):
    """A camera that can be cut off, made silent, and brought back. Pictures count on whoever watches: 0, 1, 2...

    password: as USER:PASSWORD, where it is asked for. numbers: how many pictures a connection sends before it ends.
    hangs_up_after: bytes of a file.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, handler: type[socketserver.BaseRequestHandler], password: str = "", numbers: int = 10**9
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.password, self.numbers = password, numbers
        self.up = threading.Event()
        self.up.set()
        self.silent = threading.Event()
        self.requests: list[str] = []
        self.files: dict[str, bytes] = {}
        self.hangs_up_after: int | None = None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.up.is_set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever watches may go at any time."""

    def numbers_in_time(self) -> Iterator[int]:
        """0, 1, 2... at the camera's rate, until it is cut off; nothing while it is silent."""
        began = time.monotonic()
        for number in range(self.numbers):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            while self.silent.is_set() and self.up.is_set():
                time.sleep(0.02)
            if not self.up.is_set():
                return
            yield number

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.up.clear()
        self.shutdown()
        self.server_close()


class Encoder:
    """Pictures to H.264, or to MPEG-TS of it, one by one."""

    def __init__(self, file: Any = None, format_: str = "h264") -> None:
        self.buffer = io.BytesIO()
        self.container = av.open(file or self.buffer, "w", format=format_)
        self.stream = self.container.add_stream("libx264", rate=RATE)
        self.stream.width, self.stream.height, self.stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self.stream.codec_context.gop_size = 5
        self.stream.options = {"preset": "ultrafast", "tune": "zerolatency"}

    def packets(self, number: int) -> list[Any]:
        frame = av.VideoFrame.from_ndarray(numbered(number % 256), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        return self.stream.encode(frame)


class HttpCamera(BaseHTTPRequestHandler):
    """`/ts`, `/mjpeg`, and the server's files; else 404. `/nothing` answers and never sends a byte."""

    server: Cameras

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        path = self.path.partition("?")[0]
        wanted = f"Basic {base64.b64encode(self.server.password.encode()).decode()}"
        if self.server.password and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        if path in self.server.files:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.files[path])))
            self.end_headers()
            self.wfile.write(self.server.files[path][: self.server.hangs_up_after])
            self.close_connection = True
            return
        kinds = {"/ts": "video/mp2t", "/mjpeg": "multipart/x-mixed-replace; boundary=cut", "/nothing": "video/mp2t"}
        self.send_response(200 if path in kinds else 404)
        self.send_header("Content-Type", kinds.get(path, "text/plain"))
        self.end_headers()
        {"/ts": self.send_ts, "/mjpeg": self.send_mjpeg, "/nothing": self.send_nothing}.get(path, lambda: None)()

    def send_ts(self) -> None:
        encoder = Encoder(self.wfile, "mpegts")
        encoder.container.flags |= 0x200  # FFmpeg's flush_packets: what is encoded is sent
        for number in self.server.numbers_in_time():
            encoder.container.mux(encoder.packets(number))
            self.wfile.flush()

    def send_mjpeg(self) -> None:
        for number in self.server.numbers_in_time():
            data = encode_image(numbered(number % 256), ".jpg")
            head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")

    def send_nothing(self) -> None:
        while self.server.up.is_set():
            time.sleep(0.02)


class RtspCamera(socketserver.StreamRequestHandler):
    """One H.264 track, RTP within the RTSP connection."""

    server: Cameras

    def handle(self) -> None:
        while (request := self.read_request()) is not None:
            method, headers = request
            self.server.requests.append(method)
            if not self.allowed(headers):
                self.answer(headers, 'WWW-Authenticate: Basic realm="camera"', status="401 Unauthorized")
            elif method == "OPTIONS":
                self.answer(headers, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
            elif method == "DESCRIBE":
                self.answer(headers, "Content-Type: application/sdp", body=SDP)
            elif method == "SETUP":
                self.answer(headers, "Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            elif method == "PLAY":
                self.answer(headers, "Session: 1")
                self.play()
                return
            else:
                self.answer(headers, "Session: 1")

    def read_request(self) -> tuple[str, dict[str, str]] | None:
        lines = []
        while (line := self.rfile.readline().decode().strip()) or not lines:
            if not line:
                return None
            lines.append(line)
        pairs = [line.partition(":") for line in lines[1:]]
        return lines[0].split()[0], {name.lower(): value.strip() for name, _, value in pairs}

    def allowed(self, headers: dict[str, str]) -> bool:
        wanted = f"Basic {base64.b64encode(self.server.password.encode()).decode()}"
        return not self.server.password or headers.get("authorization") == wanted

    def answer(self, asked: dict[str, str], *headers: str, body: str = "", status: str = "200 OK") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {asked['cseq']}", *headers, f"Content-Length: {len(body)}", "", body]
        self.wfile.write("\r\n".join(lines).encode())

    def play(self) -> None:
        encoder, sequence = Encoder(), 0
        for number in self.server.numbers_in_time():
            stamp = number * 90_000 // RATE
            units = [unit for packet in encoder.packets(number) for unit in nal_units(bytes(packet))]
            pieces = [piece for unit in units for piece in payloads(unit)]
            for piece in pieces:
                last = piece is pieces[-1]
                head = struct.pack(">BBHII", 0x80, 96 | last << 7, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 7)
                self.wfile.write(b"$\0" + struct.pack(">H", len(head) + len(piece)) + head + piece)
                sequence += 1


SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)


def nal_units(data: bytes) -> list[bytes]:
    """The units between start codes (ITU-T H.264, annex B)."""
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1") if unit.rstrip(b"\0")]


def payloads(unit: bytes) -> list[bytes]:
    """A unit as RTP has it: whole, or in fragments (FU-A)."""
    if len(unit) <= PAYLOAD_BYTES:
        return [unit]
    head, body = unit[0], unit[1:]
    parts = [body[at : at + PAYLOAD_BYTES] for at in range(0, len(body), PAYLOAD_BYTES)]
    flags = [(i == 0) << 7 | (i == len(parts) - 1) << 6 | head & 31 for i in range(len(parts))]
    return [bytes((head & 0xE0 | 28, flag)) + part for flag, part in zip(flags, parts, strict=True)]
