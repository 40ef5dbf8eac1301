import type { ZodType } from 'zod';
import { type PlacementEntry, PlacementError } from './placement.ts';

/** How a kind of record lies in the store. */
export interface ValueCodec<Value> {
  encode(value: Value): Uint8Array;
  /** @throws PlacementError `corrupt`, naming the key */
  decode(entry: PlacementEntry): Value;
}

/** For values whose form is the business of who stores them. */
export const opaqueBytes: ValueCodec<Uint8Array> = {
  encode: (value) => value,
  decode: (entry) => entry.value,
};

export function json<Value>(schema: ZodType<Value>): ValueCodec<Value> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (entry) => {
      const parsed = schema.safeParse(parseJson(entry));
      if (parsed.success) return parsed.data;
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`);
      throw wrongValue(entry.key, problems.join('; '));
    },
  };
}

/** For what is read from the store and makes no sense; `problem` must not quote secrets. */
export function wrongValue(key: string, problem: string, cause?: unknown): PlacementError {
  return new PlacementError('corrupt', `the value of ${JSON.stringify(key)} is wrong: ${problem}`, cause);
}

function parseJson(entry: PlacementEntry): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(entry.value));
  } catch (cause) {
    throw new PlacementError('corrupt', `the value of ${JSON.stringify(entry.key)} is no JSON`, cause);
  }
}
