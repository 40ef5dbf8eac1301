import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { allowsAnonymous } from './access-consistency.ts';
import { ConfigError } from './config-error.ts';
import type { Environment } from './environment.ts';
import type { ConfigFlags } from './flags.ts';
import { loadConfig } from './load-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'robustmq-config-'));
let files = 0;

function fileWith(toml: string): string {
  files += 1;
  const file = join(folder, `${files}.toml`);
  writeFileSync(file, toml);
  return file;
}

const load = (toml: string, environment: Environment = {}, flags: ConfigFlags = {}) =>
  loadConfig({ file: fileWith(toml), environment, flags });

function refusal(toml: string, environment: Environment = {}, flags: ConfigFlags = {}): ConfigError {
  try {
    load(toml, environment, flags);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  return assert.fail('the configuration was accepted');
}

describe('defaults', () => {
  test('one anonymous listener on loopback, all roles, the data kept', () => {
    const config = loadConfig({ environment: {} });
    assert.deepEqual(config.roles, ['broker', 'placement', 'journal']);
    assert.equal(config.listeners.length, 1);
    assert.equal(config.listeners[0]!.address, '127.0.0.1');
    assert.equal(config.listeners[0]!.port, 1883);
    assert.equal(allowsAnonymous(config, config.listeners[0]!), true);
    assert.equal(config.journal.engine, 'segment');
    assert.equal(config.journal.sync, 'always');
  });

  test('a partly given listener and a partly given table keep the other defaults', () => {
    const config = load('[[listeners]]\nport = 2883\n[mqtt]\nmax_qos = 1');
    assert.equal(config.listeners[0]!.address, '127.0.0.1');
    assert.equal(config.listeners[0]!.port, 2883);
    assert.equal(config.mqtt.maxQos, 1);
    assert.equal(config.mqtt.receiveMaximum, 65_535);
  });
});

describe('the [telemetry] table of the plan', () => {
  test('is read as it stands there', () => {
    const { telemetry } = load(`
      [telemetry]
      enable = true
      exporter_type = "otlp"
      exporter_endpoint = "grpc://127.0.0.1:4317"
      [telemetry.sampling]
      rate = 1.0
      [telemetry.resource]
      service_name = "robustmq"
      service_version = "0.1.0"
      deployment_environment = "production"`);
    assert.equal(telemetry.exporterEndpoint, 'grpc://127.0.0.1:4317');
    assert.equal(telemetry.sampling.rate, 1);
    assert.equal(telemetry.resource.deploymentEnvironment, 'production');
  });

  test('takes the rate as an integer or a fraction, from 0 to 1', () => {
    for (const rate of ['0', '1', '0.01', '1e-3'])
      assert.equal(load(`telemetry.sampling.rate = ${rate}`).telemetry.sampling.rate, Number(rate));
    for (const rate of ['2', '-0.1', 'nan', '"1"'])
      assert.match(refusal(`telemetry.sampling.rate = ${rate}`).message, /must be a number from 0 to 1/);
  });
});

describe('precedence', () => {
  test('flag over ROBUSTMQ_ over OTEL_ over file over default', () => {
    const layers = [
      () => load('').telemetry.resource.serviceName,
      () => load('telemetry.resource.service_name = "file"').telemetry.resource.serviceName,
      () =>
        load('telemetry.resource.service_name = "file"', { OTEL_SERVICE_NAME: 'otel' }).telemetry.resource.serviceName,
      () =>
        load('telemetry.resource.service_name = "file"', {
          ROBUSTMQ_TELEMETRY__RESOURCE__SERVICE_NAME: 'variable',
          OTEL_SERVICE_NAME: 'otel',
        }).telemetry.resource.serviceName,
      () =>
        load(
          'telemetry.resource.service_name = "file"',
          { ROBUSTMQ_TELEMETRY__RESOURCE__SERVICE_NAME: 'variable', OTEL_SERVICE_NAME: 'otel' },
          { set: ['telemetry.resource.service_name=flag'] },
        ).telemetry.resource.serviceName,
    ];
    assert.deepEqual(
      layers.map((layer) => layer()),
      ['robustmq', 'file', 'otel', 'variable', 'flag'],
    );
  });

  test('a variable changes one key of a table that the file gives', () => {
    const config = load('[mqtt]\nmax_qos = 1\nreceive_maximum = 5', { ROBUSTMQ_MQTT__MAX_QOS: '0' });
    assert.equal(config.mqtt.maxQos, 0);
    assert.equal(config.mqtt.receiveMaximum, 5);
  });
});

describe('variables and flags', () => {
  test('numbers, booleans, names with commas, JSON and TOML are read as the key wants them', () => {
    const config = loadConfig({
      environment: {
        ROBUSTMQ_MQTT__MAX_PACKET_SIZE_BYTES: '2_000_000',
        ROBUSTMQ_ADMIN__ENABLED: 'false',
        ROBUSTMQ_ROLES: 'journal, broker, placement',
        ROBUSTMQ_NODE__ID: '7',
        ROBUSTMQ_TOPIC_RULES: '[{"filter": "a/#", "durable": false}]',
        ROBUSTMQ_AUTHORIZATION__RULES: '[{ permission = "allow", action = "all", topics = ["%u/#"] }]',
      },
    });
    assert.equal(config.mqtt.maxPacketSizeBytes, 2_000_000);
    assert.equal(config.admin.enabled, false);
    assert.deepEqual(config.roles, ['journal', 'broker', 'placement']);
    assert.equal(config.node.id, '7');
    assert.deepEqual(config.topicRules, [{ filter: 'a/#', durable: false }]);
    assert.deepEqual(config.authorization.rules, [{ permission: 'allow', action: 'all', topics: ['%u/#'] }]);
  });

  test('--listen names the first listener, the index of a list is a key', () => {
    const config = loadConfig({
      environment: { ROBUSTMQ_LISTENERS__0__ALLOW_ANONYMOUS: 'true' },
      flags: { listen: '[::]:0', set: ['listeners.1.name=second', 'listeners.1.port=1884'] },
    });
    assert.deepEqual(
      config.listeners.map(({ name, address, port, allowAnonymous }) => ({ name, address, port, allowAnonymous })),
      [
        { name: 'default', address: '::', port: 0, allowAnonymous: true },
        { name: 'second', address: '127.0.0.1', port: 1884, allowAnonymous: undefined },
      ],
    );
  });

  test('the short flags name their keys', () => {
    const flags = { dataDir: '/srv/mq', roles: 'journal,placement,broker', logLevel: 'debug' };
    const config = loadConfig({ environment: {}, flags });
    assert.equal(config.dataDir, '/srv/mq');
    assert.deepEqual(config.roles, ['journal', 'placement', 'broker']);
    assert.equal(config.log.level, 'debug');
  });

  test('the variables of the command line, and those Kubernetes makes for a service called robustmq, are no keys', () => {
    const environment = {
      ROBUSTMQ_SERVICE_HOST: '10.0.0.1',
      ROBUSTMQ_SERVICE_PORT_MQTT: '1883',
      ROBUSTMQ_PORT: 'tcp://10.0.0.1:1883',
      ROBUSTMQ_PORT_1883_TCP_ADDR: '10.0.0.1',
      ROBUSTMQ_CONFIG: '/etc/robustmq.toml',
      ROBUSTMQ_ADMIN_URL: 'http://127.0.0.1:9883',
    };
    assert.deepEqual(loadConfig({ environment }), loadConfig({ environment: {} }));
    assert.match(refusal('', { ROBUSTMQ_ADMIN_PORT: '80' }).message, /did you mean ROBUSTMQ_ADMIN__PORT\?/);
  });

  test('OTEL_TRACES_SAMPLER sets the rate, with or without parentbased_', () => {
    const rate = (OTEL_TRACES_SAMPLER: string, OTEL_TRACES_SAMPLER_ARG?: string) =>
      loadConfig({ environment: { OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG } }).telemetry.sampling.rate;
    assert.equal(rate('always_off'), 0);
    assert.equal(rate('parentbased_always_on', '0.3'), 1);
    assert.equal(rate('traceidratio', '0.25'), 0.25);
    assert.equal(rate('parentbased_traceidratio'), 1);
    assert.match(refusal('', { OTEL_TRACES_SAMPLER: 'xray' }).message, /OTEL_TRACES_SAMPLER = "xray": must be/);
    const ratio = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' };
    assert.match(refusal('', ratio).message, /OTEL_TRACES_SAMPLER_ARG = "7": must be a number from 0 to 1/);
  });

  test('OTEL_TRACES_SAMPLER says whether publishers decide for themselves, and loses to a flag', () => {
    const usual = loadConfig({ environment: {} }).telemetry.sampling;
    const sampling = (OTEL_TRACES_SAMPLER: string, flags = {}) =>
      loadConfig({ environment: { OTEL_TRACES_SAMPLER }, flags }).telemetry.sampling;
    assert.deepEqual(sampling('always_on'), { ...usual, rate: 1, followParent: false });
    assert.deepEqual(sampling('parentbased_always_off'), { ...usual, rate: 0, followParent: true });
    const flags = { set: ['telemetry.sampling.rate=0.5', 'telemetry.sampling.follow_parent=true'] };
    assert.deepEqual(sampling('always_on', flags), { ...usual, rate: 0.5, followParent: true });
  });

  test('OTEL_SDK_DISABLED turns tracing off when it is true, in any case, and only then', () => {
    const enabled = (OTEL_SDK_DISABLED: string) => loadConfig({ environment: { OTEL_SDK_DISABLED } }).telemetry.enable;
    assert.deepEqual(['true', 'TRUE', 'false', '1', ''].map(enabled), [false, false, true, true, true]);
  });
});

describe('refusals', () => {
  test('all problems are told at once, each with key, value, source and what is allowed', () => {
    const error = refusal('[mqtt]\nmax_qos = 3\nretain_available = "yes"\n[journal]\nsync = "sometimes"');
    assert.deepEqual(
      error.problems.map(({ key }) => key),
      ['mqtt.max_qos', 'mqtt.retain_available', 'journal.sync'],
    );
    assert.match(error.message, /mqtt\.max_qos = 3 \(.*\.toml\): must be an integer from 0 to 2/);
    assert.match(error.message, /mqtt\.retain_available = "yes" \(.*\): must be true or false/);
    assert.match(error.message, /journal\.sync = "sometimes" .*: must be one of "always", "interval", "never"/);
  });

  test('an unknown key is named with the nearest known one, and its value is not shown', () => {
    const { message } = refusal('[mqtt]\nmax_qoss = "hunter2"\n[authentication]\npasword_file = "hunter2"');
    assert.match(message, /mqtt\.max_qoss .*did you mean mqtt\.max_qos\?/);
    assert.match(message, /did you mean authentication\.password_file\?/);
    assert.doesNotMatch(message, /hunter2/);
    assert.match(refusal('max_qos = 1').message, /did you mean mqtt\.max_qos\?/);
    assert.match(refusal('mqtt.maxQos = 1').message, /did you mean mqtt\.max_qos\?/);
    assert.match(refusal('mqtt.zzzzzzzzzz = 1').message, /known here: max_packet_size_bytes, /);
  });

  test('credentials in a URL are not shown', () => {
    const { message } = refusal('telemetry.exporter_endpoint = "ftp://user:hunter2@host"');
    assert.match(message, /"ftp:\/\/\*\*\*@host"/);
    assert.doesNotMatch(message, /hunter2/);
  });

  test('malformed TOML is refused with line and column, without quoting the file', () => {
    const error = refusal('[mqtt]\nsecret = hunter2"');
    assert.equal(error.code, 'file_malformed');
    assert.match(error.message, /\.toml:2:\d+: not valid TOML/);
    assert.doesNotMatch(error.message, /hunter2/);
  });

  test('a file that is not there is refused by name', () => {
    assert.throws(
      () => loadConfig({ file: join(folder, 'absent.toml'), environment: {} }),
      (error: unknown) =>
        error instanceof ConfigError && error.code === 'file_unreadable' && /absent/.test(error.message),
    );
  });

  test('roles that would leave the others to processes that are not there', () => {
    const { message } = refusal('roles = ["broker"]');
    assert.match(message, /roles lacks placement and journal: this version runs all of broker, placement, journal/);
  });

  test('a topic rule for what is no topic filter', () => {
    const rule = (filter: string) => `topic_rules = [{ filter = "${filter}", durable = false }]`;
    for (const filter of ['#', '+', 'a/+/b', '/', 'a/#', '$SYS/+'])
      assert.equal(load(rule(filter)).topicRules[0]!.filter, filter);
    for (const filter of ['', 'a/#/b', 'a#', 'a+/b'])
      assert.match(refusal(rule(filter)).message, /topic_rules\.0\.filter = .* must be a topic filter/);
  });

  test('malformed flags are told with an example', () => {
    assert.match(refusal('', {}, { listen: 'localhost' }).message, /--listen localhost: must be host:port/);
    assert.match(refusal('', {}, { set: ['mqtt.max_qos'] }).message, /--set must be key=value/);
    assert.match(refusal('', {}, { set: ['listeners.4.port=1'] }).message, /filled from index 0 on/);
  });

  test('no text in a variable or a flag does anything but set a key or be refused', () => {
    const name = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'mqtt', 'listeners', 'topic_rules', '0', 'max_qos', 'roles'),
      fc.string({ minLength: 1, maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), fc.string(), (path, value) => {
        try {
          loadConfig({ environment: {}, flags: { set: [`${path.join('.')}=${value}`] } });
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
        assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
      }),
    );
    assert.throws(() => loadConfig({ environment: {}, flags: { set: ['__proto__.polluted=1'] } }), ConfigError);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

describe('access', () => {
  const open = '[[listeners]]\naddress = "0.0.0.0"\n';

  test('an address others reach, without authentication, is refused with both ways out', () => {
    const { message } = refusal(open);
    assert.match(message, /0\.0\.0\.0/);
    assert.match(message, /authentication\.password_file/);
    assert.match(message, /listeners\.0\.allow_anonymous = true/);
  });

  test('either way out is accepted', () => {
    const anonymous = load(`${open}allow_anonymous = true`);
    assert.equal(allowsAnonymous(anonymous, anonymous.listeners[0]!), true);
    const authenticated = load(`${open}[authentication]\npassword_file = "p"`);
    assert.equal(allowsAnonymous(authenticated, authenticated.listeners[0]!), false);
  });

  test('once authentication is configured, loopback is anonymous only if said so', () => {
    const config = load('authentication.password_file = "p"');
    assert.equal(allowsAnonymous(config, config.listeners[0]!), false);
    const said = load('authentication.password_file = "p"\n[[listeners]]\nallow_anonymous = true');
    assert.equal(allowsAnonymous(said, said.listeners[0]!), true);
  });

  test('loopback is 127/8, ::1 and localhost', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
      assert.equal(load(`[[listeners]]\naddress = "${address}"`).listeners[0]!.address, address);
    for (const address of ['::', '10.0.0.1', 'example.org', '::ffff:10.0.0.1'])
      assert.match(refusal(`[[listeners]]\naddress = "${address}"`).message, /would let anyone/);
  });

  test('a listener that nobody could use is refused', () => {
    assert.match(refusal('[[listeners]]\nallow_anonymous = false').message, /nobody could connect/);
  });
});

describe('keys that contradict each other', () => {
  test('two listeners with one name or one port', () => {
    const two = (second: string) => refusal(`[[listeners]]\n[[listeners]]\n${second}`).message;
    assert.match(two('port = 1'), /listeners\.1\.name = "default": another listener has this name/);
    assert.match(two('name = "b"'), /listeners\.1\.port = 1883: already taken/);
    assert.equal(load('[[listeners]]\nport = 0\n[[listeners]]\nname = "b"\nport = 0').listeners.length, 2);
    assert.match(refusal('admin.port = 1883').message, /admin\.port = 1883: already taken/);
  });

  test('a mount point that would make of topics or filters something else', () => {
    const mounted = (mountPoint: string) => `[[listeners]]\nmount_point = ${JSON.stringify(mountPoint)}`;
    for (const wrong of ['site', '/site', '+/', 'site/#/', 'a#/', '$SYS/', '$share/g/'])
      assert.match(refusal(mounted(wrong)).message, /listeners\.0\.mount_point = .*: must end with \//, wrong);
    for (const right of ['site/', '/', 'größe/1/']) assert.equal(load(mounted(right)).listeners[0]!.mountPoint, right);
    const short = `mqtt.max_topic_bytes = 5\n${mounted('site/')}`;
    assert.match(refusal(short).message, /must be shorter than mqtt\.max_topic_bytes \(5\)/);
  });

  test('a hard retention limit below the soft one', () => {
    assert.match(refusal('journal.retention_hard_bytes = 1').message, /must be 0 or at least journal\.retention_bytes/);
    assert.equal(load('journal.retention_hard_bytes = 0').journal.retentionHardBytes, 0);
  });
});
