import { z } from 'zod';
import { Collection } from './collection.ts';
import { json } from './value-codec.ts';

const userRecord = z.strictObject({
  /** Password hash in the PHC string format: `$scrypt$ln=…,r=…,p=…$salt$hash`. */
  passwordHash: z.string().startsWith('$'),
  /** Who entered the user; a source changes and deletes what it entered itself, and nothing else. */
  source: z.string().min(1),
});

export type UserRecord = z.infer<typeof userRecord>;

/** The users by name. */
export const users = new Collection<UserRecord>('user/', json(userRecord));
