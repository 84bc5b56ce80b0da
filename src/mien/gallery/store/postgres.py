"""Records on a PostgreSQL server, for several services that share one gallery.

A gallery is a schema of a database, and its keys are a schema beside it: see `server_keys` for what that protects. All
content is sealed as in SQLite; ids, times, kinds of events and counts are not, since there is no encrypted file around
them. A pooler between us and the server must keep sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from mien.gallery.errors import GalleryBusy, GalleryError
from mien.gallery.store import server_renewal
from mien.gallery.store.address import read_url
from mien.gallery.store.ground import roll_back
from mien.gallery.store.master import MasterKey, find_master, new_master
from mien.gallery.store.opening import FindMaster
from mien.gallery.store.reading import Reading
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.server import Server, ServerConnection
from mien.gallery.store.server_keys import erase
from mien.gallery.store.server_opening import Served, create_schemas, open_schemas
from mien.gallery.store.sql_records import WAIT_SECONDS, SqlRecords
from mien.gallery.store.vault import Vault
from mien.gallery.store.writing import SqlWriting

T = TypeVar("T")

ATTEMPTS = 5


class PostgresRecords(SqlRecords):
    """As `Records` has it."""

    def __init__(self, url: str, master: MasterKey | None = None, wait_seconds: float = WAIT_SECONDS) -> None:
        """Open a gallery and finish what a kill left undone.

        url: postgresql://user:password@host:port/database?gallery=NAME, as libpq has it but for the gallery ("mien"
        where it is not named); a password may also be in the user's .pgpass or PGPASSWORD. master: None looks where
        `find_master` does. wait_seconds: how long another process may write. Raises ExtraMissing, GalleryMissing,
        GalleryKeyMissing, WrongKey, GalleryNewer, GalleryDamaged, GalleryBusy, GalleryReadOnly.
        """
        self._server = Server(read_url(url), wait_seconds)
        super().__init__(self._server)
        self._is_erased = True
        self._find: FindMaster = find_master if master is None else lambda _: master
        try:
            with self._server.translated(), self._server.connection() as connection:
                self._served: Served = open_schemas(self._server, connection, self._find)
            if self._served.writable:
                self._settle()
        except BaseException:
            self._server.close()
            raise

    @classmethod
    def create(
        cls, url: str, model: str, dim: int, policy: GalleryPolicy | None = None, master: MasterKey | None = None
    ) -> PostgresRecords:
        """Make a gallery for the embedder `model` with vectors of length `dim`, and open it.

        master: None takes that of `new_master`. Raises ExtraMissing, GalleryMissing where the server does
        not let us in, GalleryExists, GalleryReadOnly, GalleryFull.
        """
        server = Server(read_url(url), WAIT_SECONDS)
        try:
            master = master or new_master()
            create_schemas(server, model, dim, policy or GalleryPolicy(), master)
        finally:
            server.close()
        return cls(url, master)

    def seq(self) -> int:
        """As `Records.seq`: one query."""
        return self._try(lambda connection: Reading(connection, self._served.vault, self._served.keys).seq())

    def wait(self, after: int, seconds: float) -> int:
        """Wait until the last change has another number than `after`, for `seconds` at most; its number.

        Holds a connection of its own while it waits.
        """
        deadline = monotonic() + seconds
        with self._server.translated():
            connection = self._server.connect()
            try:
                connection.script(f'LISTEN "{self._server.channel}"')
                while (newest := Reading(connection, self._served.vault, self._served.keys).seq()) == after:
                    left = deadline - monotonic()
                    if left <= 0:
                        break
                    for _ in connection.raw.notifies(timeout=left, stop_after=1):
                        pass
                return newest
            finally:
                connection.raw.close()

    def backup(self, to: Path) -> None:
        """As `Records.backup`: the same kind of file as of a gallery in a folder."""
        self._vault()
        self._try(lambda connection: server_renewal.backup(connection, self._served, to))

    def restore(self, backup: Path) -> None:
        """Put the records of a backup in the place of the gallery's; the keys stay.

        People removed (or merged away) since then stay gone, people enrolled since then are lost. Raises
        GalleryMissing, GalleryNewer, GalleryBusy, and GalleryDamaged where the file is no backup of this gallery, or of
        the time before it was last rekeyed.
        """
        with self._transaction() as writing, self._server.translated():
            server_renewal.restore(writing, self._served, backup)
        self._settle()

    def rekey(self, master: MasterKey | None = None) -> None:
        """As `SqlRecords.rekey`; in one transaction."""
        find = self._find
        if master is not None:
            self._find = lambda name: master if name == master.name else find(name)
        with self._transaction() as writing, self._server.translated():
            server_renewal.rekey(writing, self._served, master or find(self._served.keys.header.master))
        self._renew()

    def close(self) -> None:
        """As `Records.close`."""
        self._server.close()

    def _vault(self) -> Vault:
        return self._read(lambda reading: reading.vault)

    def _settle(self) -> None:
        """Finish what a kill or a restored backup left undone; nearly always there is nothing to do."""
        if self._read(Reading.is_behind):
            with self._transaction():
                # Beginning has finished it.
                pass
        self._is_erased = self._try(erase)

    def _renew(self) -> None:
        """Open the generation that is there now."""
        # Not behind readers: they may all be waiting for just this.
        self._served = self._try(lambda connection: open_schemas(self._server, connection, self._find), first=True)

    def _read(self, work: Callable[[Reading], T]) -> T:
        for _ in range(ATTEMPTS):
            served = self._served
            done = self._try(partial(_read_one, served=served, work=work))
            if done is not None:
                return done[0]
            self._renew()
        raise self._restless()

    def _try(self, work: Callable[[ServerConnection], T], first: bool = False) -> T:
        """Do something that changes nothing, once more where the connection was lost: a server may have restarted.

        first: do not queue behind readers.
        """
        with self._server.connection(writes=first) as connection:
            try:
                with self._server.translated():
                    return work(connection)
            except GalleryError:
                if not connection.raw.closed:
                    raise
        self._server.forget_idle()
        with self._server.translated(), self._server.connection(writes=first) as connection:
            return work(connection)

    @contextmanager
    def _writer(self) -> Iterator[Reading]:
        if not self._served.writable:
            raise self._server.read_only()
        with ExitStack() as stack:
            connection = stack.enter_context(self._server.connection(writes=True))
            try:
                reading = self._begin(connection)
            except GalleryError:
                if not connection.raw.closed:
                    raise
                self._server.forget_idle()
                connection = stack.enter_context(self._server.connection(writes=True))
                reading = self._begin(connection)
            stack.callback(roll_back, connection)
            yield reading

    def _begin(self, connection: ServerConnection) -> Reading:
        for _ in range(ATTEMPTS):
            with self._server.translated():
                try:
                    self._server.begin(connection)
                    served = self._served
                    keys = served.keys.over(connection)
                    if keys.is_settled():
                        return Reading(connection, served.vault, keys)
                except BaseException:
                    roll_back(connection)
                    raise
                # It was rekeyed, or another service was killed after it destroyed a key, or a dump was restored.
                roll_back(connection)
                served = self._served = open_schemas(self._server, connection, self._find)
                reading = Reading(connection, served.vault, served.keys)
                if reading.is_behind():
                    self._finish_off(reading)
        raise self._restless()

    def _restless(self) -> GalleryBusy:
        return GalleryBusy(f"{self._server.address.shown} is being rekeyed again and again.", "Try again.")

    def _undo(self, writing: SqlWriting) -> None:
        assert isinstance(writing.connection, ServerConnection)
        # Where the connection is lost the server undoes it; a removal is then finished by the next change.
        if not writing.connection.raw.closed:
            super()._undo(writing)

    def _tidy(self, reading: Reading, destroyed: bool) -> None:
        assert isinstance(reading.connection, ServerConnection)
        if destroyed or not self._is_erased:
            with self._server.translated():
                self._is_erased = erase(reading.connection)


def _read_one(connection: ServerConnection, served: Served, work: Callable[[Reading], T]) -> tuple[T] | None:
    """What `work` gives; None where the gallery was rekeyed meanwhile, so that it cannot be trusted."""
    keys = served.keys.over(connection)
    try:
        result = work(Reading(connection, served.vault, keys))
    except GalleryError:
        if keys.is_current():
            raise
        return None
    return (result,) if keys.is_current() else None
