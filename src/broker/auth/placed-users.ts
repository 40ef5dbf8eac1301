import type { Collection } from '../../placement/collection.ts';
import type { Placement, PlacementError } from '../../placement/placement.ts';
import { type Publication, publishRecords } from '../../placement/publish-records.ts';
import { scramUsers, type UserRecord, users } from '../../placement/users.ts';
import { wrongValue } from '../../placement/value-codec.ts';
import { WatchedCollection } from '../../placement/watched-collection.ts';
import { formatPasswordHash, type PasswordHash, parsePasswordHash } from './password-hash.ts';
import { formatScramCredential, parseScramCredential, type ScramCredential } from './scram-credential.ts';

const SOURCE = 'password_file';

/** Users of one way to log in. */
export interface UserKind<Credential> {
  readonly collection: Collection<UserRecord>;
  readonly parse: (text: string) => Credential | undefined;
  readonly format: (credential: Credential) => string;
  /** Said of a credential that does not parse. */
  readonly complaint: string;
}

export const PASSWORD_USERS: UserKind<PasswordHash> = {
  collection: users,
  parse: parsePasswordHash,
  format: formatPasswordHash,
  complaint: 'no scrypt hash in PHC form',
};

export const SCRAM_USERS: UserKind<ScramCredential> = {
  collection: scramUsers,
  parse: parseScramCredential,
  format: formatScramCredential,
  complaint: 'no credential of SCRAM-SHA-256',
};

/** The users as placement has them, whoever entered them; rejects when one of them makes no sense. */
export function watchUsers<Credential>(
  placement: Placement,
  { collection, parse, complaint }: UserKind<Credential>,
  onRefused: (error: PlacementError) => void,
): Promise<WatchedCollection<UserRecord, Credential>> {
  return WatchedCollection.open(
    placement,
    collection,
    ({ name, value }) => {
      const credential = parse(value.passwordHash);
      if (credential === undefined) throw wrongValue(collection.key(name), `passwordHash: ${complaint}`);
      return credential;
    },
    onRefused,
  );
}

/** Makes the users of the file the users of placement, beside those that others entered. */
export function publishUsers<Credential>(
  placement: Placement,
  { collection, format }: UserKind<Credential>,
  entries: ReadonlyMap<string, Credential>,
): Promise<Publication> {
  const records = new Map<string, UserRecord>();
  for (const [user, credential] of entries) records.set(user, { passwordHash: format(credential), source: SOURCE });
  return publishRecords(placement, collection, records, ({ value }) => value.source === SOURCE);
}
