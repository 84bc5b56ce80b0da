import { useState } from 'react';

import { useGallery } from '../api/gallery';
import type { Person } from '../api/types';

/** The best face on record, or the first letter of the name where none is kept. */
export function Portrait({ person, size }: { person: Pick<Person, 'id' | 'name' | 'seq' | 'n_templates'>; size?: number }) {
  const gallery = useGallery();
  const [broken, setBroken] = useState(false);
  const style = size ? { width: size, height: size } : undefined;
  const kept = gallery.data?.policy.keep_crops && person.n_templates > 0 && !broken;
  if (!kept) return <span className="portrait letter" style={style} aria-hidden>{[...person.name.trim()][0]?.toUpperCase()}</span>;
  // The number of the last change makes the address a new one when there may be a better face.
  return <img className="portrait" style={style} src={`/v1/people/${person.id}/face?seq=${person.seq}`} alt="" loading="lazy" onError={() => setBroken(true)} />;
}
