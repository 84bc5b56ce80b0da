import { useCallback, useState } from 'react';

import type { Person } from '../../api/types';
import { PhotoDrop } from '../../faces/PhotoDrop';
import { EnrolForm } from './EnrolForm';

const MOST = 10;

/** Somebody new, from photos on this machine. */
export function AddPerson({ onDone, onCancel }: { onDone: (person: Person) => void; onCancel: () => void }) {
  const [photos, setPhotos] = useState<File[]>([]);
  const [stored, setStored] = useState(false);
  const take = useCallback((more: File[]) => setPhotos((have) => [...have, ...more].slice(0, MOST)), []);
  return (
    <div className="stack">
      {!stored && <PhotoDrop small many paste onPhotos={take} />}
      <EnrolForm photos={photos} onRemove={(index) => setPhotos(photos.filter((_, one) => one !== index))} onDone={onDone} onCancel={onCancel} onStored={() => setStored(true)} />
    </div>
  );
}
