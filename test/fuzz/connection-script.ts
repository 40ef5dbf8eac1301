import { decodePacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../src/mqtt/frame.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { Chance } from '../chaos/support/chance.ts';
import { arbitraryConversation, arbitraryHello } from './conversation.ts';
import { seedCorpus } from './corpus.ts';
import { chunksOf } from './decoder-fuzz.ts';
import { mutatedStream } from './mutator.ts';

/** One connection of the fuzzer: what it sends, in which pieces, and how it goes. */
export interface ConnectionScript {
  readonly chunks: readonly Buffer[];
  readonly end: 'half-close' | 'reset' | 'destroy' | 'wait';
}

/** Many packets in one piece are the rule of a network; a piece for every byte is its worst day. */
const LARGEST_PIECES = 40;
const SPREAD = 0x9e37_79b1;

/** Scripts by number, the same for the same seed. */
export class ScriptWriter {
  readonly #seed: number;
  readonly #corpora: Readonly<Record<4 | 5, readonly Uint8Array[]>>;

  constructor(seed: number) {
    this.#seed = seed;
    this.#corpora = { 4: seedCorpus(4, seed), 5: seedCorpus(5, seed) };
  }

  script(index: number): ConnectionScript {
    const chance = new Chance(this.#seed ^ Math.imul(index + 1, SPREAD));
    const bytes = this.#bytes(chance);
    const pieces = chance.below(3) === 0 ? [bytes] : chunksOf(bytes, chance);
    const chunks = [...pieces.slice(0, LARGEST_PIECES), Buffer.concat(pieces.slice(LARGEST_PIECES))];
    return { chunks, end: chance.oneOf(['half-close', 'reset', 'destroy', 'wait', 'wait']) };
  }

  #bytes(chance: Chance): Buffer {
    const version = chance.oneOf([4, 5] as const);
    const corpus = this.#corpora[version];
    const kind = chance.below(6);
    if (kind === 0) return mutatedStream(chance, corpus);
    const hello = encodePacket(arbitraryHello(version, chance), version);
    if (kind < 3) return Buffer.concat([hello, mutatedStream(chance, corpus)]);
    const said = arbitraryConversation(version, chance).map((packet) => encodePacket(packet, version));
    const tail = chance.below(3) === 0 ? mutatedStream(chance, said) : Buffer.alloc(0);
    return Buffer.concat([hello, ...said, tail]);
  }
}

/** The version that the broker answers in: of the CONNECT that the bytes begin with, be it refused. */
export function versionOf(bytes: Buffer): ProtocolVersion {
  const frame = new FrameScan();
  if (scanFrame(bytes, 0, bytes.length, Number.POSITIVE_INFINITY, frame) !== FrameStatus.complete) return 4;
  const result = decodePacket(bytes, frame.headerByte, frame.bodyStart, frame.end, 4);
  if (!result.ok) return result.version;
  return result.packet.type === 'connect' ? result.packet.protocolVersion : 4;
}
