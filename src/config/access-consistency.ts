import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Problem } from './config-error.ts';
import type { Config, ListenerConfig } from './schema.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  if (isIPv4(address)) return loopback.check(address, 'ipv4');
  if (isIPv6(address)) return loopback.check(address, 'ipv6');
  return address.toLowerCase() === 'localhost';
}

type AuthenticationMethod = NonNullable<ListenerConfig['authentication']>[number];

const KEY_SOURCES = ['secretFile', 'publicKeyFile', 'jwksFile', 'jwksUrl'] as const;
const KEY_SOURCE_NAMES = 'secret_file, public_key_file, jwks_file and jwks_url';

const keySourcesOf = ({ authentication: { jwt } }: Config): readonly string[] =>
  KEY_SOURCES.filter((source) => jwt[source] !== undefined);

/** In the order in which they are asked where a listener names none, with what turns each on. */
const METHODS: readonly {
  readonly method: AuthenticationMethod;
  readonly isConfigured: (config: Config, listener: ListenerConfig) => boolean;
  readonly remedy: string;
}[] = [
  {
    method: 'certificate',
    isConfigured: (_, { transport, tls }) =>
      (transport === 'tls' || transport === 'wss') && tls.clientCertificates !== 'none',
    remedy: 'set transport = "tls" or "wss" and tls.client_certificates = "optional" or "required"',
  },
  {
    method: 'scram',
    isConfigured: ({ authentication }) => authentication.scramFile !== undefined,
    remedy: 'set authentication.scram_file',
  },
  {
    method: 'jwt',
    isConfigured: (config) => keySourcesOf(config).length > 0,
    remedy: `set one of ${KEY_SOURCE_NAMES} of authentication.jwt`,
  },
  {
    method: 'password',
    isConfigured: ({ authentication }) => authentication.passwordFile !== undefined,
    remedy: 'set authentication.password_file',
  },
];

/** The authenticators a listener asks, in order. */
export const authenticationOf = (config: Config, listener: ListenerConfig): readonly AuthenticationMethod[] =>
  listener.authentication ??
  METHODS.filter(({ isConfigured }) => isConfigured(config, listener)).map(({ method }) => method);

/** Whether a client may connect to this listener without credentials. */
export const allowsAnonymous = (config: Config, listener: ListenerConfig): boolean =>
  listener.allowAnonymous ?? (isLoopback(listener.address) && authenticationOf(config, listener).length === 0);

/** What is wrong with who may connect. */
export function checkAccess(config: Config): Problem[] {
  return [
    ...checkJwt(config),
    ...checkDelay(config),
    ...config.listeners.flatMap((listener, index) => [
      ...checkChain(config, listener, `listeners.${index}.authentication`),
      ...checkAnonymous(config, listener, `listeners.${index}.allow_anonymous`),
    ]),
  ];
}

/** Keys of several sources would need a rule for which of them a token may choose: a token must not choose. */
function checkJwt(config: Config): Problem[] {
  const key = 'authentication.jwt';
  const { issuer, audience, clientIdClaim, jwksUrl } = config.authentication.jwt;
  const sources = keySourcesOf(config);
  const problems: Problem[] = [];
  if (sources.length > 1)
    problems.push({
      key,
      sentence: `${key} has ${sources.length} sources of keys: one of ${KEY_SOURCE_NAMES} at most`,
    });
  if (sources.length === 0 && [issuer, audience, clientIdClaim].some((value) => value !== undefined))
    problems.push({ key, sentence: `${key} checks claims but has no keys: set one of ${KEY_SOURCE_NAMES}` });
  if (jwksUrl !== undefined && !isFetchable(jwksUrl))
    problems.push({
      key: `${key}.jwks_url`,
      sentence: `${key}.jwks_url must be a URL that begins with https:// or http://, without user name and password`,
    });
  return problems;
}

/** `fetch` takes no URL that holds a password. */
function isFetchable(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

/** A refusal that waits longer than the connection may take is never told. */
function checkDelay({ authentication: { failureDelayMs }, mqtt: { connectTimeoutMs } }: Config): Problem[] {
  if (failureDelayMs < connectTimeoutMs) return [];
  const key = 'authentication.failure_delay_ms';
  return [
    { key, sentence: `${key} = ${failureDelayMs}: must be less than mqtt.connect_timeout_ms (${connectTimeoutMs})` },
  ];
}

function checkChain(config: Config, listener: ListenerConfig, key: string): Problem[] {
  const chain = listener.authentication ?? [];
  const problems = METHODS.filter(
    ({ method, isConfigured }) => chain.includes(method) && !isConfigured(config, listener),
  ).map(({ method, remedy }) => ({ key, sentence: `${key} names "${method}", which is not configured: ${remedy}` }));
  if (new Set(chain).size < chain.length)
    problems.push({ key, sentence: `${key}: an authenticator is named twice, and is asked once` });
  return problems;
}

function checkAnonymous(config: Config, listener: ListenerConfig, key: string): Problem[] {
  if (authenticationOf(config, listener).length > 0) return [];
  const where = `listener "${listener.name}" on ${listener.address}`;
  if (listener.allowAnonymous === false)
    return [
      {
        key,
        sentence: `${key} = false: nobody could connect to ${where} without authentication; set authentication.password_file`,
      },
    ];
  if (listener.allowAnonymous === true || isLoopback(listener.address)) return [];
  return [
    {
      key,
      sentence: [
        `${where} would let anyone on the network in:`,
        'either configure authentication (authentication.password_file; `robustmq passwd` writes the file),',
        `or say ${key} = true if that is meant`,
      ].join(' '),
    },
  ];
}
