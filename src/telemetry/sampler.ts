import { hasTrace, isSampled } from './trace-context.ts';

/** Where the 32 bits of the trace id lie that decide: the top of its 56 random ones (W3C Trace Context 2, section 4). */
export const SAMPLING_BITS_AT = 9;
const ALL = 2 ** 32;

/**
 * Decides at the head. A trace is chosen when its 32 deciding bits reach the threshold, so that every service with the
 * same rate chooses the same traces, and each one a higher rate chooses includes those of a lower.
 */
export interface HeadSampler {
  /** 0 chooses every trace, 2^32 none. */
  readonly threshold: number;
  /** Whether a caller's sampled flag decides for a continued trace, instead of the threshold. */
  readonly followsParent: boolean;
}

export function ratioSampler(rate: number, followsParent = true): HeadSampler {
  const share = Math.min(Math.max(rate, 0), 1);
  return { threshold: Math.round((1 - share) * ALL), followsParent };
}

/** `bits`: any 32-bit integer, signed or not. */
export function choosesTrace(sampler: HeadSampler, bits: number): boolean {
  return bits >>> 0 >= sampler.threshold;
}

export function choosesContinued(sampler: HeadSampler, parent: Uint8Array, offset: number): boolean {
  if (sampler.followsParent) return isSampled(parent, offset) && hasTrace(parent, offset);
  const at = offset + SAMPLING_BITS_AT;
  const bits = (parent[at]! << 24) | (parent[at + 1]! << 16) | (parent[at + 2]! << 8) | parent[at + 3]!;
  return hasTrace(parent, offset) && choosesTrace(sampler, bits);
}

export interface SamplerChoice {
  readonly sampler: HeadSampler;
  /** Variables whose value is not understood and was passed over. */
  readonly ignored: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` where set, the configured rate where not. A ratio without a valid
 * argument is 1, as the OpenTelemetry specification has it.
 */
export function samplerFrom(configuredRate: number, environment: Environment): SamplerChoice {
  const name = environment.OTEL_TRACES_SAMPLER?.trim();
  const configured = ratioSampler(configuredRate);
  if (name === undefined || name === '') return { sampler: configured, ignored: [] };
  const followsParent = name.startsWith('parentbased_');
  switch (followsParent ? name.slice('parentbased_'.length) : name) {
    case 'always_on':
      return { sampler: ratioSampler(1, followsParent), ignored: [] };
    case 'always_off':
      return { sampler: ratioSampler(0, followsParent), ignored: [] };
    case 'traceidratio':
      return ratioFrom(environment.OTEL_TRACES_SAMPLER_ARG?.trim(), followsParent);
    default:
      return { sampler: configured, ignored: ['OTEL_TRACES_SAMPLER'] };
  }
}

function ratioFrom(argument: string | undefined, followsParent: boolean): SamplerChoice {
  if (argument === undefined || argument === '') return { sampler: ratioSampler(1, followsParent), ignored: [] };
  const rate = Number(argument);
  if (rate >= 0 && rate <= 1) return { sampler: ratioSampler(rate, followsParent), ignored: [] };
  return { sampler: ratioSampler(1, followsParent), ignored: ['OTEL_TRACES_SAMPLER_ARG'] };
}
