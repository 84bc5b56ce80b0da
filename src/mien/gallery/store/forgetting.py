"""Removing and merging people: the changes that destroy a key.

Keys and rows are in two files, or two transactions, so the order of writes is what keeps them together. Removal: the
key is destroyed first, then the rows are deleted; a row without its key is finished off when the gallery is next
opened. Merging: the rows first, with the slot noted as doomed, then the key; a doomed slot is destroyed when the
gallery is next opened. On a server the next change does it too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from mien.gallery.errors import GalleryDamaged, GalleryError
from mien.gallery.store.content import id_text
from mien.gallery.store.ground import number
from mien.gallery.store.reading import Owner, unknown
from mien.gallery.store.receipt import Counts, Receipt, sign
from mien.gallery.store.rows import RowWriting
from mien.gallery.store.seal import Seal, Table

_CONTENT = (
    (Table.CROP, "crops", "template", "content"),
    (Table.NEGATIVE, "negatives", "number", "content"),
    (Table.ANSWER, "answers", "number", "content"),
    (Table.EVENT, "history", "seq", "detail"),
)
_COUNT_FREE = """
    WITH RECURSIVE every(slot) AS (SELECT 0 WHERE ?1 > 0 UNION ALL SELECT slot + 1 FROM every WHERE slot + 1 < ?1)
    INSERT INTO free_slots SELECT slot FROM every WHERE slot NOT IN (SELECT slot FROM people)"""


class Forgetting(RowWriting):
    """Removal, merging, and what brings records and keys together again after a kill or a restored backup."""

    doomed = False
    destroyed = False

    def remove(self, person_id: str) -> Receipt:
        """As `Writing.remove`."""
        owner = self.row_of(person_id)
        if self._is_gone(owner):
            raise unknown(person_id)
        if self.fresh.pop(owner.slot, None) is None:
            self._destroy(owner.slot)
        return self._delete_rows(owner)

    def merge(self, from_id: str, into_id: str) -> None:
        """As `Writing.merge`."""
        if from_id == into_id:
            raise GalleryError("A person cannot be merged with themselves.", "Name two people.")
        source, old = self.owner(from_id)
        target, new = self.owner(into_id)
        shelf = self.shelf(target, new)
        self.extend(shelf, self.shelf(source, old))
        self.put_shelf(target, new, shelf)
        for piece in _CONTENT:
            owners = (source.id, target.id) if piece[0] == Table.EVENT else (source.number, target.number)
            self._hand_over(piece, owners, old, new)
        self.connection.execute("DELETE FROM people WHERE number = ?", (source.number,))
        if self.fresh.pop(source.slot, None) is None:
            self.connection.execute("INSERT INTO doomed_slots VALUES (?)", (source.slot,))
            self.doomed = True
        else:
            self.connection.execute("INSERT INTO free_slots VALUES (?)", (source.slot,))
        self.event("merge", source.id, None, {})
        self.changed("merge", target, new, {"from": from_id})

    def bury(self) -> None:
        """Destroy the keys that merging left over."""
        doomed = [slot for (slot,) in self.rows("SELECT slot FROM doomed_slots")]
        for slot in doomed:
            self._destroy(slot)
            self.connection.execute("INSERT INTO free_slots VALUES (?) ON CONFLICT DO NOTHING", (slot,))
        self.connection.execute("DELETE FROM doomed_slots")

    def finish_off(self) -> None:
        """Delete people whose key is destroyed, destroy doomed keys, and count the free slots anew.

        For records that have seen fewer destructions than their keys: after a kill, or from a backup.
        """
        with self.home.translated():
            self.keys.mend()
        self.bury()
        for row in self.rows("SELECT number, id, slot, key_check FROM people"):
            if self._is_gone(Owner(*row)):
                self._delete_rows(Owner(*row))
        slots = max(self.counters["slots"], number(self.connection, "SELECT max(slot) + 1 FROM people"))
        self.counters |= {"slots": slots, "epoch": self.keys.epoch()}
        self.connection.execute("DELETE FROM free_slots")
        self.connection.execute(_COUNT_FREE, (slots,))

    def _destroy(self, slot: int) -> None:
        self.destroyed = True
        with self.home.translated():
            epoch = self.keys.destroy(slot)
        # Records that were behind before stay behind, so that they are still brought up to the keys.
        if epoch == self.counters["epoch"] + 1:
            self.counters["epoch"] = epoch

    def _is_gone(self, owner: Owner) -> bool:
        try:
            return self.seal(owner) is None
        except GalleryDamaged:
            # Damage is not a removal: the row stays until the file of keys is brought back, and `verify` names it.
            return False

    def _delete_rows(self, owner: Owner) -> Receipt:
        templates = number(self.connection, "SELECT n_templates FROM people WHERE number = ?", (owner.number,))
        crops = self._delete("DELETE FROM crops WHERE person = ?", owner.number)
        negatives = self._delete("DELETE FROM negatives WHERE person = ?", owner.number)
        answers = self._delete("DELETE FROM answers WHERE person = ?", owner.number)
        events = self._delete("UPDATE history SET detail = NULL WHERE person = ? AND detail IS NOT NULL", owner.id)
        self._delete("DELETE FROM people WHERE number = ?", owner.number)
        self._delete("INSERT INTO free_slots VALUES (?) ON CONFLICT DO NOTHING", owner.slot)
        seq = self.event("remove", owner.id, None, {})
        whom, now = sha256(id_text(owner.id).encode()).hexdigest(), datetime.now(UTC)
        counts = Counts(templates, crops, events, negatives, answers)
        receipt = sign(Receipt(self.vault.info.id, whom, now, seq, counts), self.vault.root.signer)
        self.receipts.append(receipt)
        return receipt

    def _delete(self, sql: str, value: bytes | int) -> int:
        self.connection.execute(sql, (value,))
        return self.connection.changes()

    def _hand_over(
        self, piece: tuple[Table, str, str, str], owners: tuple[bytes | int, bytes | int], old: Seal, new: Seal
    ) -> None:
        table, name, key, column = piece
        for row, sealed in self.rows(f"SELECT {key}, {column} FROM {name} WHERE person = ?", (owners[0],)):
            content = None if sealed is None else new.close(table, row, old.open(table, row, sealed))
            sql = f"UPDATE {name} SET person = ?, {column} = ? WHERE {key} = ?"
            self.connection.execute(sql, (owners[1], content, row))
