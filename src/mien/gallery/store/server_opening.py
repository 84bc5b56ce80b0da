"""A gallery's schemas on a server: making them, opening them, bringing them to the newest format."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from mien.gallery.errors import GalleryExists, GalleryMissing, GalleryNewer
from mien.gallery.store.content import id_text
from mien.gallery.store.ground import number, roll_back
from mien.gallery.store.master import MasterKey
from mien.gallery.store.migrations import postgres_steps
from mien.gallery.store.opening import FindMaster, read_vault
from mien.gallery.store.records import GalleryInfo, GalleryPolicy
from mien.gallery.store.rotation import make_rotation
from mien.gallery.store.seal import ID_BYTES
from mien.gallery.store.server import Server, ServerConnection
from mien.gallery.store.server_keys import ServerKeys, create_keys
from mien.gallery.store.slots import FORMAT, GalleryKeys, Header, encode_header
from mien.gallery.store.vault import RootKeys, Vault

_MAY_WRITE = """
    SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
        AND has_table_privilege('people', 'INSERT') AND has_table_privilege('slots', 'UPDATE')"""


@dataclass(frozen=True, slots=True)
class Served:
    """One generation of a gallery, open."""

    keys: ServerKeys
    vault: Vault
    writable: bool


def create_schemas(server: Server, model: str, dim: int, policy: GalleryPolicy, master: MasterKey) -> None:
    """Make a gallery; it appears whole or not at all. Raises GalleryMissing (no server), GalleryExists, GalleryFull."""
    address = server.address
    gallery, keys = secrets.token_bytes(ID_BYTES), GalleryKeys.new()
    root = RootKeys(gallery, keys)
    info = GalleryInfo(id_text(gallery), model, dim, postgres_steps()[-1][0], datetime.now(UTC), policy)
    with server.translated(), server.connection() as connection:
        try:
            connection.execute("BEGIN")
            for schema in (address.gallery, address.keys):
                _make_schema(connection, schema, address.shown)
            for step, sql in postgres_steps():
                _migrate(connection, step, sql)
            write_meta(connection, root.seal_info(info), root.seal_rotation(make_rotation(dim)))
            create_keys(connection, address.keys, encode_header(Header(FORMAT, 1, gallery, master.name), keys, master))
            connection.execute("COMMIT")
        finally:
            roll_back(connection)


def write_meta(connection: ServerConnection, info: bytes, rotation: bytes) -> None:
    """What the gallery keeps about itself, sealed."""
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [("info", info), ("rotation", rotation)])


def open_schemas(server: Server, connection: ServerConnection, find: FindMaster) -> Served:
    """Open the gallery, and bring it to the newest format.

    Raises GalleryMissing, WrongKey, GalleryNewer, GalleryDamaged, GalleryReadOnly (where it would have to be brought to
    the newest format), GalleryBusy.
    """
    if connection.execute("SELECT to_regclass(?)", (f'"{server.address.gallery}".counters',)).fetchone() == (None,):
        raise GalleryMissing(f"There is no gallery at {server.address.shown}.", "Make one with `mien gallery init`.")
    keys = ServerKeys(server, connection, find)
    writable = connection.execute(_MAY_WRITE).fetchone() == (True,)
    if _format_of(connection) != postgres_steps()[-1][0]:
        _bring_forward(server, connection, writable)
    vault = read_vault(connection, RootKeys(keys.header.gallery, keys.secrets), _format_of(connection))
    return Served(keys, vault, writable)


def _make_schema(connection: ServerConnection, schema: str, shown: str) -> None:
    """Make it, or take one that is empty: a user without the right to make schemas may have been given it."""
    if number(connection, "SELECT count(*) FROM pg_namespace WHERE nspname = ?", (schema,)) == 0:
        connection.script(f'CREATE SCHEMA "{schema}"')
    sql = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?"
    if number(connection, sql, (schema,)):
        raise GalleryExists(f"The schema {schema} of {shown} exists and is not empty.", "Name another gallery.")


def _format_of(connection: ServerConnection) -> int:
    return number(connection, "SELECT value FROM counters WHERE name = 'format'")


def _bring_forward(server: Server, connection: ServerConnection, writable: bool) -> None:
    """Run the steps that the records have not seen, each in a transaction."""
    newest, found = postgres_steps()[-1][0], _format_of(connection)
    if found > newest:
        raise GalleryNewer(f"The gallery has format {found}, this version reads up to {newest}.", "Update mien.")
    if not writable:
        raise server.read_only()
    for step, sql in postgres_steps():
        try:
            server.begin(connection)
            # Another process may have been faster.
            if _format_of(connection) < step:
                _migrate(connection, step, sql)
            server.commit(connection)
        finally:
            roll_back(connection)


def _migrate(connection: ServerConnection, step: int, sql: str) -> None:
    connection.script(sql)
    connection.execute("UPDATE counters SET value = ? WHERE name = 'format'", (step,))
