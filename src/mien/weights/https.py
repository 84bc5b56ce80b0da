"""Files at their publisher's https address."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO

from mien.errors import WeightsFetchFailed
from mien.weights.card import HttpsSource
from mien.weights.progress import Progress, megabytes
from mien.weights.store import copy_limited

_TIMEOUT_S = 30


class HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https, and to nothing else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """Refuse every address without TLS."""
        if not newurl.lower().startswith("https://"):
            raise urllib.error.URLError(f"redirected to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download_https(source: HttpsSource, size: int, target: Path, progress: Progress) -> None:
    """Write the file at the address to `target`, of exactly `size` bytes and never more.

    Proxies and certificates of the environment apply. Raises WeightsFetchFailed.
    """
    request = urllib.request.Request(source.https, headers={"User-Agent": "mien"})
    progress.begin(f"Fetching {megabytes(size)} from {source}.", size)
    try:
        opener = urllib.request.build_opener(HttpsOnly())
        with opener.open(request, timeout=_TIMEOUT_S) as response, target.open("wb") as out:
            copy_limited(response, out, size, progress.advance)
    except (OSError, http.client.HTTPException) as error:
        raise WeightsFetchFailed(f"{source}: {error}") from error
    finally:
        progress.end()
