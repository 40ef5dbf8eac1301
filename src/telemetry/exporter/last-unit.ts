import type { SemanticExpansion } from '../records/expand/semantic-expansion.ts';
import type { RecordBlock } from '../ring/ring-reader.ts';

/** The unit that was looked at last, as long as it lies where it was: in a batch, the next says mostly the same. */
export class LastUnit {
  #expansion: SemanticExpansion | undefined;
  /** Of its block, which is not held: a copy of its own would live as long as this. */
  #version = 0;
  #at = 0;
  #unit = 0;

  is(expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): void {
    this.#expansion = expansion;
    this.#version = block.version;
    this.#at = at;
    this.#unit = unit;
  }

  forget(): void {
    this.#expansion = undefined;
  }

  /** See Expansion. */
  isAlike(expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): boolean {
    if (expansion !== this.#expansion || block.version !== this.#version) return false;
    return expansion.isAlike(block, at, unit, this.#at, this.#unit);
  }
}
