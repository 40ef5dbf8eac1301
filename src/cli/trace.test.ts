import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Command, CommanderError } from 'commander';
import { recordPublish, startTestAdmin, type TestAdmin } from '../admin/testing/test-admin.ts';
import { addTraceCommand } from './trace.ts';
import { sinceTime } from './trace-options.ts';

let admin: TestAdmin;
before(async () => {
  admin = await startTestAdmin();
});
after(() => admin.close());

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs `robustmq trace …` in this process, as commander would; `onOutput` sees the output grow. */
async function run(args: readonly string[], onOutput: (stdout: string) => void = () => {}): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const write = (text: string) => {
    stdout += text;
    onOutput(stdout);
  };
  const program = new Command('robustmq').exitOverride().configureOutput({
    writeOut: write,
    writeErr: (text) => {
      stderr += text;
    },
  });
  const output = { write, isColoured: false, width: undefined, now: () => 1_700_000_060_000 };
  addTraceCommand(program, output, new EventEmitter());
  try {
    await program.parseAsync(['trace', ...args], { from: 'user' });
    return { stdout, stderr, exitCode: 0 };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { stdout, stderr, exitCode: error.exitCode };
  }
}

describe('trace show', () => {
  it('prints the trace as a tree, or as JSON', async () => {
    const traceId = recordPublish(admin.telemetry);
    const { stdout, exitCode } = await run(['show', traceId.toUpperCase(), '--url', admin.url]);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^trace ${traceId} .*\nmqtt/publish .* topic=sensor/1\n└─ storage/persist `));
    const json = await run(['show', traceId, '--url', admin.url, '--json']);
    assert.equal(JSON.parse(json.stdout).traceId, traceId);
  });

  it('of a trace that is not kept says so', async () => {
    const { stderr, exitCode } = await run(['show', '0'.repeat(32), '--url', admin.url]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /answered 404: no such trace; only the newest are kept/);
  });
});

describe('trace find', () => {
  it('prints what matches, the newest last', async () => {
    const slow = recordPublish(admin.telemetry, { clientId: 'finder', durationMs: 100 });
    const failed = recordPublish(admin.telemetry, { clientId: 'finder', failed: true, topic: 'home/door' });
    recordPublish(admin.telemetry, { clientId: 'finder', startedAt: 1_600_000_000_000 });
    const find = async (...args: string[]) => {
      const { stdout } = await run(['find', '--url', admin.url, '--client', 'finder', '--json', ...args]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).traceId);
    };
    assert.deepEqual(await find('--since', '2m'), [slow, failed]);
    assert.deepEqual(await find('--min-duration', '50'), [slow]);
    assert.deepEqual(await find('--error'), [failed]);
    assert.deepEqual(await find('--topic', 'home/+'), [failed]);
    assert.equal((await find('--limit', '1')).length, 1);
  });

  it('says that nothing matches', async () => {
    const { stdout } = await run(['find', '--url', admin.url, '--client', 'nobody']);
    assert.equal(stdout, 'No trace matches.\n');
  });
});

describe('trace tail', () => {
  it('prints new traces that match, and ends at its limit', async () => {
    let traceId: string | undefined;
    const ticking = setInterval(() => {
      recordPublish(admin.telemetry);
      traceId ??= recordPublish(admin.telemetry, { topic: 'tail/me' });
    }, 20);
    const { stdout, exitCode } = await run(['tail', '--url', admin.url, '--topic', 'tail/#', '--limit', '1']).finally(
      () => clearInterval(ticking),
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^trace ${traceId} `));
    assert.equal(stdout.match(/^trace /gm)?.length, 1);
  });
});

describe('trace stats', () => {
  it('prints what is recorded, as text or as JSON', async () => {
    await using own = await startTestAdmin();
    recordPublish(own.telemetry, { startedAt: 1_700_000_000_000 });
    const { stdout } = await run(['stats', '--url', own.url]);
    assert.match(stdout, /^traces\n {2}recorded +1 {2}0 failed\n[\s\S]*holds the last 60\.00 s\n/);
    const json = JSON.parse((await run(['stats', '--url', own.url, '--json'])).stdout);
    // The child ended first, and so was recorded first.
    assert.equal(json.ring.oldestAt, 1_700_000_000_000.5);
    assert.equal(json.traces.recorded, 1);
  });
});

describe('without a broker', () => {
  for (const command of [['tail'], ['show', '0'.repeat(32)], ['find'], ['stats']]) {
    it(`"${command[0]}" says in a sentence that none answers, and fails`, async () => {
      const own = await startTestAdmin();
      await own.close();
      const { stdout, stderr, exitCode } = await run([...command, '--url', own.url]);
      assert.equal(exitCode, 69);
      assert.equal(stdout, '');
      assert.match(stderr, /^No broker answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. Is it running/);
      assert.ok(!stderr.includes('    at '));
    });
  }
});

describe('arguments', () => {
  it('that make no sense are refused with what is expected', async () => {
    const cases: [readonly string[], RegExp][] = [
      [['find', '--since', 'yesterday'], /expected 30s, 5m, 2h, 1d or an ISO 8601 time/],
      [['find', '--limit', '0'], /Expected a whole number above 0/],
      [['find', '--min-duration', 'long'], /Expected a number of milliseconds/],
      [['find', '--min-duration', ''], /Expected a number of milliseconds/],
      [['find', '--min-duration', 'Infinity'], /Expected a number of milliseconds/],
      [['tail', '--url', 'localhost:9883'], /Expected an address such as http/],
    ];
    for (const [args, message] of cases) {
      const { stderr, exitCode } = await run(args);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, message);
    }
  });

  it('that the command itself refuses are errors of usage, too', async () => {
    assert.equal((await run(['find', '--since', 'yesterday'])).exitCode, 64);
  });

  it('--since takes a time ago or a time', () => {
    assert.equal(sinceTime('30s', 100_000), 70_000);
    assert.equal(sinceTime('1.5h', 10_000_000), 4_600_000);
    assert.equal(sinceTime('1970-01-01T00:00:01Z', 0), 1000);
  });

  it('are explained with examples', async () => {
    const { stdout } = await run(['tail', '--help']);
    assert.match(stdout, /Examples:\n {2}robustmq trace tail/);
  });
});
