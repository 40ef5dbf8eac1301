import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemsOf } from './testing/problems-of.ts';

const FILES = { 'tls.certificate_file': './a.crt', 'tls.key_file': './a.key' };

describe('the keys of a transport', () => {
  for (const keys of [
    { transport: 'tcp' },
    { transport: 'ws', path: '/', allowed_origins: '["https://app.example","http://localhost:8080","null"]' },
    { transport: 'tls', ...FILES },
    { transport: 'wss', ...FILES, 'tls.minimum_version': '1.3', path: '/broker' },
    {
      transport: 'tls',
      ...FILES,
      'tls.client_certificates': 'optional',
      'tls.client_ca_file': './ca.crt',
      'tls.crl_file': './a.crl',
    },
  ])
    it(`may be ${JSON.stringify(keys)}`, () => assert.deepEqual(problemsOf('listeners.0', keys), []));

  for (const transport of ['tls', 'wss'])
    it(`must name certificate and key for ${transport}`, () => {
      const problems = problemsOf('listeners.0', { transport });
      assert.equal(problems.length, 2);
      assert.match(
        problems[0]!,
        new RegExp(`listeners\\.0\\.tls\\.certificate_file is missing: transport = "${transport}"`),
      );
      assert.match(problems[1]!, /listeners\.0\.tls\.key_file is missing/);
    });

  const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [
      { transport: 'tcp', 'tls.key_file': './a.key' },
      /tls\.key_file = "\.\/a\.key": transport = "tcp" has no certificates/,
    ],
    [
      { transport: 'ws', 'tls.minimum_version': '1.3' },
      /tls\.minimum_version = "1\.3": transport = "ws" .*"tls" or "wss"/,
    ],
    [{ transport: 'tcp', path: '/x' }, /listeners\.0\.path = "\/x": transport = "tcp" has no HTTP/],
    [{ transport: 'tcp', allowed_origins: '["https://a.example"]' }, /allowed_origins = .*transport be "ws" or "wss"/],
    [
      { transport: 'tls', ...FILES, 'tls.client_certificates': 'required' },
      /tls\.client_ca_file is missing: client_certificates = "required"/,
    ],
    [
      { transport: 'tls', ...FILES, 'tls.crl_file': './a.crl' },
      /tls\.crl_file = "\.\/a\.crl": nobody is asked for a certificate.*"optional" or "required"/,
    ],
    [
      { transport: 'ws', allowed_origins: '["https://App.example/"]' },
      /allowed_origins = "https:\/\/App\.example\/": must be/,
    ],
    [{ transport: 'ws', allowed_origins: '["*"]' }, /allowed_origins = "\*": must be/],
  ];
  for (const [keys, message] of wrong)
    it(`may not be ${JSON.stringify(keys)}`, () => {
      const problems = problemsOf('listeners.0', keys);
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, message);
    });
});
