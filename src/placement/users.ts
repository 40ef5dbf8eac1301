import { z } from 'zod';
import { Collection } from './collection.ts';
import { json } from './value-codec.ts';

const userRecord = z.strictObject({
  /** `$scrypt$ln=…,r=…,p=…$salt$hash` (PHC string format), or for SCRAM `$scram-sha-256$i=…$salt$storedKey$serverKey`. */
  passwordHash: z.string().startsWith('$'),
  /** Who entered the user; a source changes and deletes what it entered itself, and nothing else. */
  source: z.string().min(1),
});

export type UserRecord = z.infer<typeof userRecord>;

/** The users by name. */
export const users = new Collection<UserRecord>('user/', json(userRecord));

/** The users of SCRAM by name: they have other credentials, and may be others. */
export const scramUsers = new Collection<UserRecord>('scram/', json(userRecord));
