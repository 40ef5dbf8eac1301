import { type Problem, showValue } from './config-error.ts';
import type { Config, ListenerConfig } from './schema.ts';
import { configSchema } from './schema.ts';
import { tomlName } from './schema-walk.ts';

type Transport = ListenerConfig['transport'];

const WITH_TLS: ReadonlySet<Transport> = new Set(['tls', 'wss']);
const WITH_WEBSOCKET: ReadonlySet<Transport> = new Set(['ws', 'wss']);

/** A key that its listener's transport does not use would be believed to do something. */
export function checkTransports({ listeners }: Config): Problem[] {
  const defaults = configSchema.parse({ listeners: [{}] }).listeners[0]!;
  return listeners.flatMap((listener, index) => [
    ...checkTls(listener, defaults.tls, `listeners.${index}.tls`),
    ...checkWebSocket(listener, defaults, `listeners.${index}`),
  ]);
}

function checkTls({ transport, tls }: ListenerConfig, defaults: ListenerConfig['tls'], table: string): Problem[] {
  if (!WITH_TLS.has(transport))
    return Object.entries(tls)
      .filter(([name, value]) => value !== undefined && value !== defaults[name as keyof typeof defaults])
      .map(([name, value]) =>
        unused(`${table}.${tomlName(name)}`, value, `transport = "${transport}" has no certificates`, '"tls" or "wss"'),
      );
  const missing = [
    ...(tls.certificateFile === undefined ? ['certificate_file'] : []),
    ...(tls.keyFile === undefined ? ['key_file'] : []),
  ].map((name) => ({
    key: `${table}.${name}`,
    sentence: `${table}.${name} is missing: transport = "${transport}" must have a PEM file there`,
  }));
  return [...missing, ...checkClientCertificates(tls, table)];
}

function checkClientCertificates(tls: ListenerConfig['tls'], table: string): Problem[] {
  const { clientCertificates, clientCaFile, crlFile } = tls;
  const setting = `client_certificates = "${clientCertificates}"`;
  if (clientCertificates !== 'none') {
    if (clientCaFile !== undefined) return [];
    const key = `${table}.client_ca_file`;
    return [{ key, sentence: `${key} is missing: ${setting} must have a PEM file with the authorities there` }];
  }
  return Object.entries({ client_ca_file: clientCaFile, crl_file: crlFile }).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const key = `${table}.${name}`;
    const sentence = `${key} = ${showValue(value)}: nobody is asked for a certificate while ${setting}; must be "optional" or "required"`;
    return [{ key, sentence }];
  });
}

function checkWebSocket(listener: ListenerConfig, defaults: ListenerConfig, table: string): Problem[] {
  const { transport, path, allowedOrigins } = listener;
  if (WITH_WEBSOCKET.has(transport)) return (allowedOrigins ?? []).flatMap((origin) => checkOrigin(origin, table));
  const why = `transport = "${transport}" has no HTTP`;
  return [
    ...(path === defaults.path ? [] : [unused(`${table}.path`, path, why, '"ws" or "wss"')]),
    ...(allowedOrigins === undefined ? [] : [unused(`${table}.allowed_origins`, allowedOrigins, why, '"ws" or "wss"')]),
  ];
}

/** As browsers send it: with another letter case or a slash behind it, it would never match. */
function checkOrigin(origin: string, table: string): Problem[] {
  if (origin === 'null' || (URL.canParse(origin) && new URL(origin).origin === origin)) return [];
  const key = `${table}.allowed_origins`;
  const sentence = `${key} = ${showValue(origin)}: must be scheme, host and port as browsers write them, such as "https://app.example" or "http://localhost:8080"`;
  return [{ key, sentence }];
}

function unused(key: string, value: unknown, why: string, transports: string): Problem {
  return { key, sentence: `${key} = ${showValue(value)}: ${why}; must be left out, or transport be ${transports}` };
}
