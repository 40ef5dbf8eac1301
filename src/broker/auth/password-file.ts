import { type PasswordHash, parsePasswordHash } from './password-hash.ts';
import type { UserFileForm } from './user-file.ts';

export type PasswordEntries = ReadonlyMap<string, PasswordHash>;

/** The lines of the password file. */
export const PASSWORD_FILE: UserFileForm<PasswordHash> = {
  noun: 'the password file (authentication.password_file)',
  example: 'user:$scrypt$ln=15,r=8,p=1$salt$hash',
  complaint: 'the hash is no scrypt hash in PHC form',
  parse: parsePasswordHash,
};
