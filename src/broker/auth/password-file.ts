import { CodedError } from '../../base/errors.ts';
import { formatPasswordHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';

/*
 * The password file: one `user:$scrypt$…` a line. Empty lines and lines that begin with # are kept and mean nothing.
 * A user name may hold colons, as the hash never does.
 */

export type PasswordFileErrorCode = 'unreadable' | 'malformed' | 'unusable_name';

export class PasswordFileError extends CodedError<PasswordFileErrorCode> {}

export type PasswordEntries = ReadonlyMap<string, PasswordHash>;

/** `file` is for messages, which name file and line, and never quote the line. */
export function parsePasswordFile(text: string, file: string): PasswordEntries {
  const entries = new Map<string, PasswordHash>();
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/\r$/, '');
    if (isBlank(content)) continue;
    const refuse = (reason: string): never => {
      throw new PasswordFileError('malformed', `${file}:${index + 1}: ${reason}`);
    };
    const user = userOf(content) ?? refuse('not a line of the form user:$scrypt$ln=15,r=8,p=1$salt$hash');
    const hash = parsePasswordHash(content.slice(user.length + 1)) ?? refuse('the hash is no scrypt hash in PHC form');
    if (entries.has(user)) refuse('this user has a line already');
    entries.set(user, hash);
  }
  return entries;
}

const isBlank = (line: string): boolean => line.trim() === '' || line.startsWith('#');

function userOf(line: string): string | undefined {
  const colon = line.lastIndexOf(':');
  return colon > 0 ? line.slice(0, colon) : undefined;
}

/** The text with the user's line replaced, added, or (without a hash) removed; all other lines stay as they are. */
export function withPassword(text: string, user: string, hash: PasswordHash | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (user === '' || user.startsWith('#') || /[\x00-\x1f\x7f]/.test(user))
    throw new PasswordFileError(
      'unusable_name',
      'a user name must not be empty, begin with # or hold control characters',
    );
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const at = lines.findIndex((line) => !isBlank(line) && userOf(line) === user);
  const own = hash === undefined ? [] : [`${user}:${formatPasswordHash(hash)}`];
  lines.splice(at === -1 ? lines.length : at, at === -1 ? 0 : 1, ...own);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
