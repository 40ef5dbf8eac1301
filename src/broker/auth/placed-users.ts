import type { Placement, PlacementError } from '../../placement/placement.ts';
import { type Publication, publishRecords } from '../../placement/publish-records.ts';
import { type UserRecord, users } from '../../placement/users.ts';
import { wrongValue } from '../../placement/value-codec.ts';
import { WatchedCollection } from '../../placement/watched-collection.ts';
import type { PasswordEntries } from './password-file.ts';
import { formatPasswordHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';

const SOURCE = 'password_file';

/** The users as placement has them, whoever entered them; rejects when one of them makes no sense. */
export function watchUsers(
  placement: Placement,
  onRefused: (error: PlacementError) => void,
): Promise<WatchedCollection<UserRecord, PasswordHash>> {
  return WatchedCollection.open(
    placement,
    users,
    ({ name, value }) => {
      const hash = parsePasswordHash(value.passwordHash);
      if (hash === undefined) throw wrongValue(users.key(name), 'passwordHash: no scrypt hash in PHC form');
      return hash;
    },
    onRefused,
  );
}

/** Makes the users of the password file the users of placement, beside those that others entered. */
export function publishUsers(placement: Placement, entries: PasswordEntries): Promise<Publication> {
  const records = new Map<string, UserRecord>();
  for (const [user, hash] of entries) records.set(user, { passwordHash: formatPasswordHash(hash), source: SOURCE });
  return publishRecords(placement, users, records, ({ value }) => value.source === SOURCE);
}
