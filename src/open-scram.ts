import type { EnhancedAuthenticator } from './broker/auth/enhanced-authenticator.ts';
import { publishUsers, SCRAM_USERS, watchUsers } from './broker/auth/placed-users.ts';
import type { ScramCredential } from './broker/auth/scram-credential.ts';
import { SCRAM_FILE } from './broker/auth/scram-file.ts';
import { ScramSha256 } from './broker/auth/scram-sha-256.ts';
import { readUserFile } from './broker/auth/user-file.ts';
import { UserFileWatch } from './broker/auth/user-file-watch.ts';
import type { Config } from './config/schema.ts';
import type { Placement } from './placement/placement.ts';
import type { Publication } from './placement/publish-records.ts';

/** Enhanced authentication, and the users it knows. */
export interface Scram {
  /** By listener name; a listener that offers none is not in it. */
  readonly enhanced: ReadonlyMap<string, EnhancedAuthenticator>;
  /** Publishes the file again; when it is wrong it rejects, and the old users stay. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Rejects when the file of SCRAM users cannot be used; nothing is opened for it. */
export async function checkScram({ authentication: { scramFile } }: Config): Promise<void> {
  if (scramFile !== undefined) await readUserFile(scramFile, SCRAM_FILE);
}

/** Like the users with passwords: the file goes into placement, and what stands there is answered from. */
export async function openScram(
  config: Config,
  placement: Placement,
  tell: (users: number, publication: Publication) => void,
  onFailure: (error: Error) => void,
): Promise<Scram> {
  await using opened = new AsyncDisposableStack();
  const file = config.authentication.scramFile;
  const publish = async (entries: ReadonlyMap<string, ScramCredential>): Promise<void> =>
    tell(entries.size, await publishUsers(placement, SCRAM_USERS, entries));
  if (file === undefined) {
    await publish(new Map());
    return { enhanced: new Map(), reload: async () => undefined, close: async () => undefined };
  }
  const watch = opened.adopt(await UserFileWatch.open({ file, form: SCRAM_FILE, publish, onFailure }), (watched) =>
    watched.close(),
  );
  const users = opened.adopt(await watchUsers(placement, SCRAM_USERS, onFailure), (watched) => watched.close());
  const scram = new ScramSha256(users);
  const offering = config.listeners.filter(({ authentication }) => authentication?.includes('scram') ?? true);
  const kept = opened.move();
  return {
    enhanced: new Map(offering.map(({ name }) => [name, scram])),
    reload: () => watch.reload(),
    close: () => kept.disposeAsync(),
  };
}
