import assert from 'node:assert/strict';

/** The sum of the samples of a metric whose line holds all the labels, as `GET /metrics` says it now. */
export async function metric(adminUrl: string, name: string, ...labels: string[]): Promise<number> {
  const response = await fetch(`${adminUrl}/metrics`);
  assert.equal(response.status, 200);
  return (await response.text())
    .split('\n')
    .filter((line) => line.startsWith(name) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

const POLL_MS = 20;
const WAIT_LIMIT_MS = 20_000;

/** Settles when the condition holds, which is asked again and again: for what nobody can tell us of. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let waitedMs = 0; !(await holds()); waitedMs += POLL_MS) {
    if (waitedMs > WAIT_LIMIT_MS) throw new Error(`${what}: not within ${WAIT_LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
