import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Config } from '../../src/config/schema.ts';
import { configuration } from './robustmq.ts';
import { robustmqAt } from './robustmq-at.ts';

function load(context: TestContext, otlpEndpoint: string | undefined, adminPort?: number): Config {
  const directory = mkdtempSync(join(tmpdir(), 'robustmq-test-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'robustmq.toml');
  writeFileSync(
    file,
    configuration({ port: 2883, adminPort, directory: '/tmp/somewhere' }, { otlpEndpoint, samplingRate: 0.01 }),
  );
  return loadConfig({ file, environment: {} });
}

describe('the configuration RobustMQ is benched with', () => {
  it('is one it accepts: a port, a folder, one message in a hundred traced, a root that is not durable', (context) => {
    const { dataDir, listeners, admin, telemetry, topicRules } = load(context, undefined);
    assert.equal(dataDir, '/tmp/somewhere/data');
    assert.deepEqual([listeners[0]?.address, listeners[0]?.port, admin.enabled], ['127.0.0.1', 2883, false]);
    assert.deepEqual([telemetry.enable, telemetry.exporterType, telemetry.sampling.rate], [true, 'none', 0.01]);
    assert.deepEqual(topicRules, [{ filter: 'bench/volatile/#', durable: false }]);
  });

  it('sends traces to a collector when asked, and says over HTTP what became of them', (context) => {
    const { telemetry, admin } = load(context, 'grpc://127.0.0.1:4317', 9999);
    assert.deepEqual([admin.enabled, admin.port], [true, 9999]);
    assert.deepEqual([telemetry.exporterType, telemetry.exporterEndpoint], ['otlp', 'grpc://127.0.0.1:4317']);
  });
});

describe('another commit of RobustMQ', () => {
  it('is named robustmq@<revision>', () => {
    assert.equal(robustmqAt('robustmq@HEAD~1')?.name, 'robustmq@HEAD~1');
    assert.equal(robustmqAt('robustmq'), undefined);
  });
});
