import {
  choice,
  decimal,
  flag,
  integer,
  optionalChoice,
  optionalFilter,
  optionalText,
  requiredDecimal,
  table,
  tables,
  text,
  texts,
} from './key.ts';
import { programVersion } from './program-version.ts';

const UINT32 = 0xffff_ffff;
/** Timers of Node take no more. */
const INT32 = 0x7fff_ffff;
const MEBIBYTE = 1024 * 1024;

const sampling = table(
  'Which traces leave the process. Every message is recorded; rates decide when a trace begins, the others afterwards.',
  {
    rate: decimal(1, 0, 1, 'Share of new traces that is chosen when they begin; 0.01 suits production.'),
    followParent: flag(
      true,
      'Whether the sampled flag that a publisher sends decides about its trace; if not, the rate does.',
    ),
    maxTracesPerSecond: integer(
      0,
      0,
      UINT32,
      'Traces a second that the rate may choose: under load it is lowered so far. 0: no limit.',
    ),
    maxForcedPerSecond: integer(
      1000,
      0,
      UINT32,
      'Traces a second that sampled flags may choose, on each listener; no client takes the last of it from others. 0: no limit.',
    ),
    maxKeptPerSecond: integer(
      1000,
      0,
      UINT32,
      'Traces a second that are kept afterwards; dropped, failed, redelivered and slow ones have a quarter each of their own. 0: no limit.',
    ),
    keepErrors: flag(true, 'Whether every trace in which something failed or was refused is kept.'),
    keepDropped: flag(true, 'Whether every trace of a message that was dropped or has expired is kept.'),
    keepRedeliveredAfter: integer(
      3,
      0,
      UINT32,
      'A trace whose message was sent again more often than this is kept. 4294967295: none.',
    ),
    slowThresholdMs: integer(1000, 0, UINT32, 'A trace that took longer is kept. 0: no such threshold.'),
    slowQuantile: decimal(
      0.999,
      0,
      0.9999,
      'A trace is kept that took longer than this quantile of its topic, once that had messages enough: 2,000 for 0.999. 0: none.',
    ),
    rules: tables('Rates of their own; the first rule that fits decides, and where none does, the rate above.', {
      rate: requiredDecimal(1, 0, 1, 'Share of these traces that is chosen when they begin.'),
      clientId: optionalText('meter-*', 'Only of this client id; * stands for any characters.'),
      topic: optionalFilter('alarms/#', 'Only of topics that match this filter.'),
      user: optionalText('alice', 'Only of this user name.'),
      address: optionalText('10.0.0.0/8', 'Only from this IP address or CIDR block.'),
      packet: optionalChoice(
        ['connect', 'publish', 'delivery', 'subscribe', 'unsubscribe', 'pingreq', 'disconnect', 'auth', 'will'],
        'publish',
        'Only traces that begin so; delivery: of a message long after it was published.',
      ),
    }),
  },
);

const attributes = table(
  'What spans say of people and of what they send. hash: HMAC-SHA-256 in hex, by which equal values are recognised and not read.',
  {
    userName: choice(['omit', 'hash', 'plain'], 'omit', 'User names: user.name, or user.hash.'),
    clientId: choice(
      ['hash', 'plain'],
      'plain',
      'Client ids in exported spans; whoever asks the broker is told them as they are.',
    ),
    payload: choice(['omit', 'hash', 'plain'], 'omit', 'Payloads of messages: mqtt.payload, or mqtt.payload_hash.'),
    payloadMaxBytes: integer(256, 1, 4096, 'How much of a payload mqtt.payload holds.'),
    userProperties: texts('tenant', 'Names of the user properties of messages that spans tell: mqtt.user_properties.'),
    userPropertyValues: choice(['hash', 'plain'], 'plain', 'How their values are told.'),
    hashKey: optionalText(
      'a long random text',
      'Key of the hashes, the same on all nodes. Left out: a new one with each start.',
    ),
  },
);

export const telemetry = table('Traces and metrics.', {
  enable: flag(true, 'Whether spans are recorded.'),
  exporterType: choice(
    ['otlp', 'console', 'file', 'none'],
    'otlp',
    'Where finished spans go: a collector, standard output (a line of JSON each), a file, or nowhere.',
  ),
  exporterFile: text(
    'text',
    'telemetry/traces.jsonl',
    'For exporter_type = "file": OTLP/JSON, a request a line, as the otlpjsonfile receiver reads it. ' +
      'Below data_dir unless absolute; a new file begins at 128 MiB, and the last eight stay.',
  ),
  exporterEndpoint: text(
    'endpoint',
    'grpc://127.0.0.1:4317',
    'OTLP receiver: grpc://host:4317, or http://host:4318 for HTTP/protobuf.',
  ),
  metricsExporter: choice(
    ['none', 'otlp'],
    'none',
    'Whether metrics leave by OTLP too, the way the exporter_ keys say; GET /metrics has them in any case.',
  ),
  metricsIntervalMs: integer(60_000, 1000, 3_600_000, 'How often they leave.'),
  logsExporter: choice(
    ['none', 'otlp'],
    'none',
    'Whether log lines leave by OTLP too, the same way; standard error has them in any case.',
  ),
  propagation: choice(
    ['inject-if-absent', 'replace', 'preserve'],
    'inject-if-absent',
    'What delivery does to the user property traceparent: add it where there is none, replace it, leave all as it was.',
  ),
  linkAfterMs: integer(
    60_000,
    0,
    Number.MAX_SAFE_INTEGER,
    'A delivery within this time after publishing joins the publisher’s trace; a later one links to it.',
  ),
  ringBytes: integer(
    64 * MEBIBYTE,
    MEBIBYTE,
    4096 * MEBIBYTE,
    'Memory for what was recorded last: every message, whatever the rate. What lies there can still be kept, and be ' +
      'found by `robustmq trace`.',
  ),
  exporterHeaders: optionalText(
    'api-key=secret,tenant=meters',
    'Sent with each request: name=value, separated by commas, as in OTEL_EXPORTER_OTLP_HEADERS.',
  ),
  exporterCompression: choice(['none', 'gzip'], 'none', 'Compression of the requests.'),
  exporterTimeoutMs: integer(10_000, 1, INT32, 'A request that is not answered by then is made again later.'),
  exporterCaFile: optionalText('ca.pem', 'Certificates of the authorities the collector is trusted by; PEM.'),
  exporterCertificateFile: optionalText('client.pem', 'Certificate shown to the collector; PEM.'),
  exporterKeyFile: optionalText('client.key', 'Its private key; PEM.'),
  exportQueueBytes: integer(
    32 * MEBIBYTE,
    MEBIBYTE,
    UINT32,
    'Spans that wait in memory for the collector; what is more goes to the spool.',
  ),
  spoolBytes: integer(
    256 * MEBIBYTE,
    0,
    Number.MAX_SAFE_INTEGER,
    'Spans that wait on disk, in telemetry-spool below data_dir, over a restart too; the oldest go when it is full. 0: no spool.',
  ),
  sampling,
  attributes,
  resource: table('What the spans say of the process.', {
    serviceName: text(
      'text',
      'robustmq',
      'Prefix of service.name: robustmq-broker, robustmq-placement, robustmq-journal.',
    ),
    serviceVersion: text('text', programVersion, 'service.version.'),
    deploymentEnvironment: text('text', 'production', 'deployment.environment.name (and deployment.environment).'),
  }),
});
