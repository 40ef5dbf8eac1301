import { z } from 'zod';
import {
  choice,
  flag,
  integer,
  optionalText,
  requiredChoice,
  requiredFilter,
  requiredFlag,
  requiredText,
  table,
  tables,
  text,
} from './key.ts';
import { listeners } from './listener-schema.ts';
import { telemetry } from './telemetry-schema.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const UINT16 = 0xffff;
const UINT32 = 0xffff_ffff;
/** The largest remaining length a fixed header can express is 268,435,455; with the header itself five bytes more. */
const LARGEST_PACKET_BYTES = 268_435_460;

export const ROLES = ['broker', 'placement', 'journal'] as const;

const mqtt = table('Limits and features of the protocol.', {
  maxPacketSizeBytes: integer(MIB, 64, LARGEST_PACKET_BYTES, 'Largest packet taken from a client.'),
  maxQos: integer(2, 0, 2, 'Highest quality of service granted.'),
  retainAvailable: flag(true, 'Whether retained messages are kept.'),
  wildcardSubscriptionAvailable: flag(true, 'Whether filters may hold + and #.'),
  sharedSubscriptionAvailable: flag(true, 'Whether $share/{group}/{filter} is served.'),
  subscriptionIdentifierAvailable: flag(true, 'Whether subscriptions may carry an identifier.'),
  maxInflightMessages: integer(
    256,
    1,
    UINT16,
    'QoS 1 and 2 messages on their way to one client at once, where the client allows more.',
  ),
  receiveMaximum: integer(
    UINT16,
    1,
    UINT16,
    'QoS 1 and 2 messages one MQTT 5 client may have on their way to the broker at once.',
  ),
  topicAliasMaximum: integer(32, 0, UINT16, 'Topic aliases a client may use towards the broker.'),
  topicAliasMaximumToClient: integer(
    32,
    0,
    UINT16,
    'Topic aliases the broker uses towards a client, where the client allows as many.',
  ),
  keepAliveMaximumSeconds: integer(0, 0, UINT16, 'Longest keep alive granted. 0: whatever the client asks for.'),
  sessionExpiryMaximumSeconds: integer(UINT32, 0, UINT32, 'Longest session expiry granted. 4294967295: never expires.'),
  sessionExpiryForV3Seconds: integer(
    UINT32,
    0,
    UINT32,
    'Expiry of a session that MQTT 3.1.1 opened with clean session 0. 4294967295: never.',
  ),
  connectTimeoutMs: integer(10_000, 100, 600_000, 'Time a new connection has for its CONNECT.'),
  maxQueuedBytes: integer(
    MIB,
    4096,
    GIB,
    'Bytes waiting for one slow connection, beyond the kernel’s buffer, before QoS 0 messages to it are dropped.',
  ),
  maxConnections: integer(100_000, 1, UINT32, 'Connections at once over all listeners.'),
  maxConnectionsPerAddress: integer(0, 0, UINT32, 'Connections at once from one IP address. 0: no limit.'),
  maxConnectRate: integer(0, 0, UINT32, 'New connections a second over all listeners. 0: no limit.'),
  maxSubscriptionsPerClient: integer(10_000, 1, UINT32, 'Subscriptions one session may hold.'),
  maxTopicLevels: integer(200, 1, UINT16, 'Levels of a topic name or filter.'),
  maxTopicBytes: integer(UINT16, 1, UINT16, 'Length of a topic name or filter.'),
  maxRetainedMessages: integer(1_000_000, 0, UINT32, 'Topics with a retained message.'),
  maxRetainedMessageBytes: integer(MIB, 0, LARGEST_PACKET_BYTES, 'Largest payload that is retained. 0: no limit.'),
  overlappingSubscriptions: choice(
    ['one', 'each'],
    'one',
    'What a client with several matching subscriptions gets of a message: one copy with the highest QoS, or one for each.',
  ),
  responseInformation: optionalText(
    'reply/%c/',
    'Response Information for clients that request it; %c stands for the client id.',
  ),
  sysIntervalSeconds: integer(10, 0, 86_400, 'Time between updates of $SYS/broker/…. 0: no system topics.'),
});

const jwt = table('JSON Web Tokens, sent as the password. One source of keys turns them on.', {
  secretFile: optionalText('./jwt.secret', 'File with the secret of HS256, HS384 and HS512.'),
  publicKeyFile: optionalText('./jwt.pem', 'PEM file with an RSA, EC or Ed25519 public key.'),
  jwksFile: optionalText('./jwks.json', 'File with a JSON Web Key Set.'),
  jwksUrl: optionalText('https://issuer.example/.well-known/jwks.json', 'URL of a JSON Web Key Set.'),
  jwksRefreshSeconds: integer(300, 1, 86_400, 'Age at which a key set from a URL is fetched again.'),
  issuer: optionalText('https://issuer.example', 'The claim iss must be this.'),
  audience: optionalText('robustmq', 'The claim aud must hold this.'),
  userNameClaim: text('text', 'sub', 'Claim that is taken as the user name.'),
  clientIdClaim: optionalText('client_id', 'Claim that the client id must equal.'),
  aclClaim: text('text', 'acl', 'Claim with access rules, in the form of authorization.rules.'),
  clockToleranceSeconds: integer(30, 0, 3600, 'By how much clocks may differ.'),
});

const authentication = table('Who may connect.', {
  passwordFile: optionalText('./passwords', 'File of user names and scrypt hashes; `robustmq passwd` writes it.'),
  scramFile: optionalText('./scram', 'File of SCRAM-SHA-256 users; `robustmq passwd --scram` writes it.'),
  jwt,
  failureDelayMs: integer(200, 0, 60_000, 'Time the answer to a failed login waits.'),
  maxFailures: integer(10, 0, UINT32, 'Failed logins of one user from one address before a ban. 0: no bans.'),
  maxFailuresPerAddress: integer(100, 0, UINT32, 'Failed logins from one address before a ban. 0: no limit.'),
  failureWindowSeconds: integer(60, 1, 86_400, 'Time within which failed logins are counted together.'),
  banSeconds: integer(300, 1, 31_536_000, 'How long a ban lasts.'),
});

const authorization = table('Who may publish and subscribe where.', {
  aclFile: optionalText('./acl', 'Access rules in the form of mosquitto’s acl_file, asked after the rules below.'),
  rules: tables('The first rule that fits decides; when there are rules and none fits, the answer is no.', {
    permission: requiredChoice(['allow', 'deny'], 'allow', 'What the rule says.'),
    action: requiredChoice(['publish', 'subscribe', 'all'], 'publish', 'What it is said of.'),
    topics: z
      .array(requiredText('sensor/%c/#', 'Topic filter.'))
      .min(1)
      .meta({
        description: 'Topic filters; %c stands for the client id, %u for the user name.',
        example: ['sensor/%c/#'],
      }),
    user: optionalText('alice', 'Only for this user name.'),
    client: optionalText('sensor-1', 'Only for this client id.'),
    address: optionalText('10.0.0.0/8', 'Only from this IP address or CIDR block.'),
  }),
});

const journal = table('The log of messages.', {
  engine: choice(['segment', 'memory'], 'segment', 'Where the log lies: files below data_dir, or memory.'),
  sync: choice(
    ['always', 'interval', 'never'],
    'always',
    'When a batch counts as durable: after its own fdatasync, after one within the interval, or once written.',
  ),
  syncIntervalMs: integer(100, 1, 60_000, 'Time between syncs with sync = "interval".'),
  segmentBytes: integer(64 * MIB, 4096, 4 * GIB, 'Size at which a new segment file begins.'),
  retentionBytes: integer(
    GIB,
    0,
    Number.MAX_SAFE_INTEGER,
    'Size of a shard beyond which old segments go. 0: no limit.',
  ),
  retentionHours: integer(168, 0, 876_000, 'Age at which segments go. 0: no limit.'),
  retentionHardBytes: integer(
    4 * GIB,
    0,
    Number.MAX_SAFE_INTEGER,
    'Size beyond which segments go although a session still wants them; counted and logged. 0: no limit.',
  ),
  memoryBytes: integer(256 * MIB, 4096, Number.MAX_SAFE_INTEGER, 'Size of a shard that lives in memory.'),
});

const topicRules = tables('Which messages need not survive a crash; the first filter that matches decides.', {
  filter: requiredFilter('telemetry/#', 'Topic filter.'),
  durable: requiredFlag(false, 'Whether QoS 1 and 2 messages to it are acknowledged only once they are on disk.'),
});

export const configSchema = z.object({
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES])
    .meta({ description: 'Which services this process runs; in this version all of them.' }),
  dataDir: text('text', './data', 'Folder for everything that is kept, relative to the working directory.'),
  cluster: table('The cluster.', { name: text('name', 'robustmq', 'Name of the cluster.') }),
  node: table('This process.', { id: text('name', 'broker-1', 'Name of this node, unique in the cluster.') }),
  listeners,
  mqtt,
  authentication,
  authorization,
  placement: table('Metadata: sessions, retained messages, routes.', {
    engine: choice(['rocksdb', 'memory'], 'rocksdb', 'Where metadata lies: RocksDB below data_dir, or memory.'),
  }),
  journal,
  topicRules,
  telemetry,
  admin: table(
    'Health, metrics and traces over HTTP. It has no authentication of its own: keep it on a private address.',
    {
      enabled: flag(true, 'Whether the HTTP server runs.'),
      address: text('host', '127.0.0.1', 'Address to listen on.'),
      port: integer(9883, 0, UINT16, 'TCP port; 0 takes a free one.'),
    },
  ),
  log: table('The log on standard error.', {
    level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'info', 'Least severity that is written.'),
    format: choice(['json', 'text'], 'json', 'One JSON object a line, or text for people.'),
  }),
});

type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
    : Value;

/** The whole configuration, complete and checked. Names are those of the TOML file in camelCase. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
export type ListenerConfig = Config['listeners'][number];
export type AuthorizationRule = Config['authorization']['rules'][number];
