import {
  choice,
  integer,
  optionalChoices,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTexts,
  table,
  tables,
  text,
} from './key.ts';

const UINT16 = 0xffff;
const UINT32 = 0xffff_ffff;
const LARGEST_PACKET_BYTES = 268_435_460;

const tls = table('Certificates of transports "tls" and "wss"; the files are read again on SIGHUP.', {
  certificateFile: optionalText('./server.crt', 'PEM file with the server’s certificate, and the chain behind it.'),
  keyFile: optionalText('./server.key', 'PEM file with its private key.'),
  minimumVersion: choice(['1.2', '1.3'], '1.2', 'Oldest version of TLS that is spoken.'),
  clientCertificates: choice(
    ['none', 'optional', 'required'],
    'none',
    'Whether clients are asked for a certificate, and whether they must have one.',
  ),
  clientCaFile: optionalText('./clients-ca.crt', 'PEM file with the authorities that sign client certificates.'),
  crlFile: optionalText('./clients.crl', 'PEM file with the certificates those authorities have revoked.'),
  identity: choice(
    ['common_name', 'subject'],
    'common_name',
    'What of a client certificate is the user name: its common name, or its whole subject.',
  ),
});

export const listeners = tables(
  'Where clients connect.',
  {
    name: text('name', 'default', 'Name of the listener in logs, spans and metrics; unique.'),
    address: text('host', '127.0.0.1', 'Address to listen on.'),
    port: integer(1883, 0, UINT16, 'TCP port; 0 takes a free one.'),
    transport: choice(
      ['tcp', 'tls', 'ws', 'wss'],
      'tcp',
      'How MQTT packets travel: as they are, in TLS, in WebSocket frames, or in those over TLS.',
    ),
    path: text('path', '/mqtt', 'Path of transports "ws" and "wss".'),
    allowedOrigins: optionalTexts(
      'https://app.example',
      'Origins whose pages may connect by WebSocket. Left out, any; programs, which send no Origin, always may.',
    ),
    allowAnonymous: optionalFlag(
      true,
      'Whether clients may connect without credentials. Left out, they may on a loopback address while no authentication is configured.',
    ),
    authentication: optionalChoices(
      ['certificate', 'scram', 'jwt', 'password'],
      'The authenticators that are asked, in this order. Left out, all that are configured.',
    ),
    aclFile: optionalText('./acl-devices', 'Used here in place of authorization.acl_file.'),
    mountPoint: optionalText(
      'site-1/',
      'Put in front of every topic of the clients that connect here but those below $SYS, and taken off what they are sent; ends with /.',
    ),
    traceContext: choice(
      ['follow', 'link', 'ignore'],
      'follow',
      'What a client’s traceparent does: its trace goes on, a new trace links to it, or nothing.',
    ),
    maxForcedTracesPerSecond: optionalInteger(
      100,
      0,
      UINT32,
      'Used here in place of telemetry.sampling.max_forced_per_second.',
    ),
    maxConnections: integer(
      0,
      0,
      UINT32,
      'Connections this listener takes at once. 0: only mqtt.max_connections limits.',
    ),
    maxConnectionsPerAddress: integer(
      0,
      0,
      UINT32,
      'Connections this listener takes at once from one IP address. 0: only mqtt.max_connections_per_address limits.',
    ),
    maxConnectRate: integer(
      0,
      0,
      UINT32,
      'New connections this listener takes a second. 0: only mqtt.max_connect_rate limits.',
    ),
    maxPacketSizeBytes: optionalInteger(
      65_536,
      64,
      LARGEST_PACKET_BYTES,
      'Used here in place of mqtt.max_packet_size_bytes.',
    ),
    maxQos: optionalInteger(1, 0, 2, 'Used here in place of mqtt.max_qos.'),
    tls,
  },
  [{}],
);
