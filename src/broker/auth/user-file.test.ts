import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PASSWORD_FILE } from './password-file.ts';
import { cheapLine } from './testing/cheap-hash.ts';
import { parseUserFile, UserFileError, withUser } from './user-file.ts';

const hashOf = (line: string) => line.trim().slice(line.lastIndexOf(':') + 1);

describe('reading', () => {
  test('comments and empty lines mean nothing; a user name may hold colons; line ends may be CRLF', () => {
    const text = `# users\n\n${cheapLine('alice', 'a')}${cheapLine('urn:dev:7', 'b').replace('\n', '\r\n')}`;
    assert.deepEqual([...parseUserFile(text, 'f', PASSWORD_FILE).keys()], ['alice', 'urn:dev:7']);
  });

  test('a malformed line is refused with file and line, and not quoted', () => {
    const refused = (line: string, reason: RegExp) =>
      assert.throws(
        () => parseUserFile(`${cheapLine('alice', 'a')}\n${line}\n`, '/etc/mq/passwords', PASSWORD_FILE),
        (error: unknown) =>
          error instanceof UserFileError &&
          error.code === 'malformed' &&
          error.message.startsWith('/etc/mq/passwords:3: ') &&
          reason.test(error.message) &&
          !error.message.includes('hunter2'),
      );
    refused('hunter2', /not a line of the form/);
    refused(':hunter2', /not a line of the form/);
    refused('bob:hunter2', /no scrypt hash/);
    refused(cheapLine('alice', 'hunter2').trim(), /already/);
  });
});

describe('writing', () => {
  const [alice, bob, other] = [cheapLine('alice', 'a'), cheapLine('bob', 'b'), cheapLine('alice', 'other')];

  test('adds at the end, replaces in place, removes, and leaves all other lines as they are', () => {
    const text = `# users\n${alice}`;
    assert.equal(withUser('', 'alice', hashOf(alice)), alice);
    assert.equal(withUser(text, 'bob', hashOf(bob)), `${text}${bob}`);
    assert.equal(withUser(`${text}${bob}`, 'alice', hashOf(other)), `# users\n${other}${bob}`);
    assert.equal(withUser(`${text}${bob}`, 'alice', undefined), `# users\n${bob}`);
    assert.equal(withUser(alice, 'alice', undefined), '');
    assert.equal(withUser(text, 'carol', undefined), text);
  });

  test('a name that would break the file is refused', () => {
    for (const user of ['', '#alice', 'ali\nce', 'al\0ice'])
      assert.throws(() => withUser('', user, hashOf(alice)), { code: 'unusable_name' });
  });
});
