import type { Clock } from '../../base/clock.ts';
import type { HeadSampler } from './head-sampler.ts';

const TICK_MS = 1000;

/** Tells the sampler's budget how time goes by. Returns what ends that; it keeps no process alive. */
export function startHeadTicks(sampler: Pick<HeadSampler, 'tick'>, clock: Clock): () => void {
  let before = clock.now();
  const timer = setInterval(() => {
    const now = clock.now();
    sampler.tick(now - before);
    before = now;
  }, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
