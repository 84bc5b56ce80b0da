import { ImageOffIcon } from 'lucide-react';
import { useState } from 'react';

/** A photo; where the browser cannot show it, a quiet sign rather than the browser's own. */
export function Picture({ src, alt }: { src: string | undefined; alt: string }) {
  const [broken, setBroken] = useState<string>();
  if (!src) return null;
  if (broken === src) return <span className="no-picture" role="img" aria-label={alt}><ImageOffIcon size={26} strokeWidth={1.4} aria-hidden /></span>;
  return <img src={src} alt={alt} onError={() => setBroken(src)} />;
}
