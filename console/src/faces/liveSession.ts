import type { LiveAnswer, LiveMoment } from '../api/live';

export interface LiveEvents {
  onMoment: (moment: LiveMoment, frame: Blob) => void;
  /** code: of the problem where there was one. */
  onEnd: (reason: string, code: string) => void;
}

const WIDEST = 800;
const JPEG = 0.85;

/** Sends the frames of a video to the service, one at a time: the next is taken when the answer to the last is there. */
export class LiveSession {
  private readonly socket: WebSocket;
  private readonly canvas = document.createElement('canvas');
  private over = false;
  private problem = { detail: '', code: '' };

  constructor(
    private readonly video: HTMLVideoElement,
    options: { identify: boolean; stages: string[]; why: string },
    private readonly events: LiveEvents,
  ) {
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
    this.socket = new WebSocket(`${scheme}://${window.location.host}/v1/live`);
    this.socket.onopen = () => {
      this.socket.send(JSON.stringify(options));
      void this.send();
    };
    this.socket.onmessage = (event: MessageEvent<string>) => this.take(event.data);
    this.socket.onclose = (event) => {
      if (!this.over) events.onEnd(this.problem.detail || event.reason, this.problem.code);
      this.over = true;
    };
  }

  close(): void {
    this.over = true;
    this.socket.close(1000);
  }

  private last: Blob | null = null;

  private take(text: string): void {
    if (this.over) return;
    const answer = JSON.parse(text) as LiveAnswer;
    // The first message says only that the service is ready.
    if (answer.session) return;
    if (answer.problem) this.problem = answer.problem;
    if (answer.moment && this.last) this.events.onMoment(answer.moment, this.last);
    void this.send();
  }

  private async send(): Promise<void> {
    const frame = await this.grab();
    if (this.over || this.socket.readyState !== WebSocket.OPEN) return;
    this.last = frame;
    const clock = new DataView(new ArrayBuffer(8));
    clock.setFloat64(0, performance.now() / 1000);
    this.socket.send(new Blob([clock, frame]));
  }

  private async grab(): Promise<Blob> {
    const { video, canvas } = this;
    while (!video.videoWidth && !this.over) await new Promise((done) => setTimeout(done, 50));
    const scale = Math.min(1, WIDEST / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return new Promise((done, fail) =>
      canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/jpeg', JPEG),
    );
  }
}
