import type { ByteSink } from '../connection/outbox.ts';

/** A sink that is there before its transport has shaken hands; nothing is written to it until then. */
export class LateSink implements ByteSink {
  target: ByteSink | undefined;

  get writableLength(): number {
    return this.target === undefined ? 0 : this.target.writableLength;
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    return this.target!.write(bytes, done);
  }

  cork(): void {
    this.target!.cork();
  }

  uncork(): void {
    this.target!.uncork();
  }
}
