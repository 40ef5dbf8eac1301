import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { CodedError } from '../../base/errors.ts';

/*
 * A file of users: one `user:credential` a line. Empty lines and lines that begin with # are kept and mean nothing. A user
 * name may hold colons, as a credential never does.
 */

export type UserFileErrorCode = 'unreadable' | 'malformed' | 'unusable_name';

export class UserFileError extends CodedError<UserFileErrorCode> {}

/** What stands behind the colon. */
export interface UserFileForm<Credential> {
  /** What the file is, and the key that names it. */
  readonly noun: string;
  /** Of a whole line, for messages. */
  readonly example: string;
  /** Said of a credential that does not parse. */
  readonly complaint: string;
  readonly parse: (text: string) => Credential | undefined;
}

/** `file` is for messages, which name file and line, and never quote the line. */
export function parseUserFile<Credential>(
  text: string,
  file: string,
  { example, complaint, parse }: UserFileForm<Credential>,
): ReadonlyMap<string, Credential> {
  const entries = new Map<string, Credential>();
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/\r$/, '');
    if (isBlank(content)) continue;
    const refuse = (reason: string): never => {
      throw new UserFileError('malformed', `${file}:${index + 1}: ${reason}`);
    };
    const user = userOf(content) ?? refuse(`not a line of the form ${example}`);
    const credential = parse(content.slice(user.length + 1)) ?? refuse(complaint);
    if (entries.has(user)) refuse('this user has a line already');
    entries.set(user, credential);
  }
  return entries;
}

/** Throws a UserFileError when the file cannot be read or a line of it is malformed. */
export async function readUserFile<Credential>(
  file: string,
  form: UserFileForm<Credential>,
): Promise<ReadonlyMap<string, Credential>> {
  const bytes = await readFile(file).catch((error: unknown) => unreadable(file, form, error));
  if (!isUtf8(bytes)) throw new UserFileError('malformed', `${file}: ${form.noun} must be text in UTF-8`);
  return parseUserFile(bytes.toString(), file, form);
}

export function unreadable(file: string, { noun }: Pick<UserFileForm<unknown>, 'noun'>, error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new UserFileError('unreadable', `${noun} ${file} cannot be read: ${reason}`, error);
}

const isBlank = (line: string): boolean => line.trim() === '' || line.startsWith('#');

function userOf(line: string): string | undefined {
  const colon = line.lastIndexOf(':');
  return colon > 0 ? line.slice(0, colon) : undefined;
}

/** The text with the user's line replaced, added, or (without a credential) removed; all other lines stay as they are. */
export function withUser(text: string, user: string, credential: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (user === '' || user.startsWith('#') || /[\x00-\x1f\x7f]/.test(user))
    throw new UserFileError('unusable_name', 'a user name must not be empty, begin with # or hold control characters');
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const at = lines.findIndex((line) => !isBlank(line) && userOf(line) === user);
  const own = credential === undefined ? [] : [`${user}:${credential}`];
  lines.splice(at === -1 ? lines.length : at, at === -1 ? 0 : 1, ...own);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
