import type { SpanIdentity } from '../span-visitor.ts';
import { withStage } from '../trace-ids.ts';

/** The identity that is shown, filled anew for each span. */
export class ShownIdentity implements SpanIdentity {
  readonly words = new Uint32Array(8);
  isParentRemote = false;
  isEntry = false;

  /** Trace id and span id from six words; no parent. */
  take(from: Uint32Array, at: number): void {
    for (let index = 0; index < 6; index += 1) this.words[index] = from[at + index]!;
    this.words[6] = 0;
    this.words[7] = 0;
    this.isParentRemote = false;
    this.isEntry = false;
  }

  /** A span of the same record, by its stage and its parent's; see trace-ids.ts. */
  stage(stage: number, parentStage: number): void {
    const { words } = this;
    words[6] = words[4]!;
    words[7] = withStage(words[5]!, parentStage);
    words[5] = withStage(words[5]!, stage);
    this.isParentRemote = false;
    this.isEntry = false;
  }
}
