import assert from 'node:assert/strict';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { Chance } from '../chaos/support/chance.ts';
import { seedCorpus } from './corpus.ts';
import { checkStream, type Reading } from './decoder-checks.ts';
import { minimise } from './minimise.ts';
import { mutatedStream } from './mutator.ts';
import { readByConnection } from './reader-under-test.ts';

/** An input of which something did not hold. */
export interface Finding {
  readonly error: Error;
  readonly version: ProtocolVersion;
  /** With all left out that the failure does not need. */
  readonly bytes: Buffer;
}

export interface DecoderReport {
  readonly inputs: number;
  readonly findings: readonly Finding[];
  /** Ways in which streams ended, as `pathOf` has them: how much of the decoder was reached. */
  readonly paths: ReadonlySet<string>;
  readonly slowestMs: number;
  readonly slowest: Buffer;
}

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const CORPUS_LIMIT = 3000;
const FINDINGS_LIMIT = 5;
/** Two connections for each input cost more than all else. */
const CHUNKED_ONE_IN = 4;

/**
 * Mutates packets until `isOver`, and checks all that must hold of any bytes. What the decoder takes in a way that has not
 * been seen is mutated further. The same seed makes the same inputs.
 */
export async function fuzzDecoder(seed: number, isOver: (inputs: number) => boolean): Promise<DecoderReport> {
  const chance = new Chance(seed);
  const corpora = VERSIONS.map((version) => seedCorpus(version, seed));
  const findings: Finding[] = [];
  const paths = new Set<string>();
  let [inputs, slowestMs, slowest]: [number, number, Buffer] = [0, 0, Buffer.alloc(0)];
  const { stackTraceLimit } = Error;
  // Every refusal is an error: a third of the time would go into stacks that nobody reads.
  Error.stackTraceLimit = 0;
  for (; !isOver(inputs) && findings.length < FINDINGS_LIMIT; inputs += 1) {
    const which = chance.below(VERSIONS.length);
    const [version, corpus] = [VERSIONS[which]!, corpora[which]!];
    const bytes = mutatedStream(chance, corpus);
    const chunkSeed = chance.below(2 ** 31);
    const elapsed = (): number => {
      const startedAt = usedMs();
      const path = pathOf(checkInput(bytes, version, chunkSeed), version);
      if (!paths.has(path) && corpus.length < CORPUS_LIMIT) corpus.push(bytes);
      paths.add(path);
      return usedMs() - startedAt;
    };
    try {
      // Once more, where it may have been the compiler or the collector.
      const elapsedMs = elapsed();
      const atLeastMs = elapsedMs > slowestMs ? Math.min(elapsedMs, elapsed()) : 0;
      if (atLeastMs > slowestMs) [slowestMs, slowest] = [atLeastMs, bytes];
    } catch (error) {
      findings.push(await findingOf(error as Error, bytes, version, chunkSeed));
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
  return { inputs, findings, paths, slowestMs, slowest };
}

/** Processor time of this thread. */
function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** All that must hold of a stream of bytes in one version. */
function checkInput(bytes: Buffer, version: ProtocolVersion, chunkSeed: number): Reading {
  const reading = checkStream(bytes, version);
  const chance = new Chance(chunkSeed);
  if (chance.below(CHUNKED_ONE_IN) > 0) return reading;
  const spoken = chance.below(4) === 0 || version === 3 ? undefined : version;
  const cut = chunksOf(bytes, chance);
  const inChunks = readByConnection(cut, spoken);
  assert.deepEqual(inChunks, readByConnection([bytes], spoken), 'how the bytes are cut makes no difference');
  return reading;
}

/** The bytes in pieces: many of one byte, or few of any size. */
export function chunksOf(bytes: Buffer, chance: Chance): Buffer[] {
  const largest = chance.oneOf([1, 3, bytes.length + 1]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunks.at(-1)!.length)
    chunks.push(bytes.subarray(at, at + 1 + chance.below(largest)));
  return chunks;
}

/** Types and refusals in their order, without what varies within the words. */
function pathOf({ results, rest }: Reading, version: ProtocolVersion): string {
  const last = results.at(-1);
  if (last === undefined) return `${version} ${rest}`;
  return last.ok
    ? `${version} ${last.packet.type} ${'properties' in last.packet ? Object.keys(last.packet.properties) : ''} ${rest}`
    : `${version} ${last.message.replaceAll(/\d+|"[^"]*"/g, '…')}`;
}

async function findingOf(error: Error, bytes: Buffer, version: ProtocolVersion, chunkSeed: number): Promise<Finding> {
  const fails = (shorter: Buffer): boolean => {
    try {
      checkInput(shorter, version, chunkSeed);
      return false;
    } catch {
      return true;
    }
  };
  return { error, version, bytes: await minimise(bytes, fails) };
}
