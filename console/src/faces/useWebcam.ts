import { useEffect, useRef, useState } from 'react';

/** The camera of this browser, while `on`; gone with the page. */
export function useWebcam(on: boolean) {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  useEffect(() => {
    if (!on) return;
    let stream: MediaStream | null = null;
    let gone = false;
    const start = async () => {
      if (!navigator.mediaDevices) throw new DOMException('insecure', 'SecurityError');
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: 'user' }, audio: false });
      if (gone || !video.current) return stream.getTracks().forEach((track) => track.stop());
      video.current.srcObject = stream;
      await video.current.play();
      setReady(true);
    };
    setRefused(null);
    start().catch((error: unknown) => {
      if (!gone) setRefused(error instanceof DOMException ? error.name : 'unknown');
    });
    return () => {
      gone = true;
      setReady(false);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [on]);
  return { video, ready, refused };
}
