import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mainThreadCpuMs, parseCpuMs, processCpuMs, residentBytes } from './process-usage.ts';

describe('usage of a process', () => {
  it('adds user and system time, whatever the command is called', () => {
    const stat = '4242 (a (b) c) S 1 4242 4242 0 -1 4194560 900 0 0 0 120 30 0 0 20 0 11 0 100 1000 200';
    assert.equal(parseCpuMs(stat), 1500);
  });

  it('agrees with what a process knows of itself', () => {
    const own = process.cpuUsage();
    const ownMs = (own.user + own.system) / 1000;
    const found = processCpuMs(process.pid);
    assert(found > 0 && Math.abs(found - ownMs) < Math.max(50, ownMs / 2), `${found} ms, itself ${ownMs} ms`);
    const main = mainThreadCpuMs(process.pid);
    assert(main > 0 && main <= processCpuMs(process.pid));
    assert(residentBytes(process.pid) > 10 * 1024 ** 2);
  });
});
