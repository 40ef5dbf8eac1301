import type { Clock } from './base/clock.ts';
import type { AuthenticationBackend } from './broker/auth/authenticator.ts';
import { passwordBackend } from './broker/auth/password-backend.ts';
import { PASSWORD_FILE, type PasswordEntries } from './broker/auth/password-file.ts';
import { PasswordVerifier } from './broker/auth/password-verifier.ts';
import { PASSWORD_USERS, publishUsers, watchUsers } from './broker/auth/placed-users.ts';
import { UserFileWatch } from './broker/auth/user-file-watch.ts';
import type { Config } from './config/schema.ts';
import type { Placement } from './placement/placement.ts';
import type { Publication } from './placement/publish-records.ts';

/** Users with passwords. */
export interface Passwords {
  /** Undefined where no file of users is configured. */
  readonly backend: AuthenticationBackend | undefined;
  /** Publishes the file again; when it is wrong it rejects, and the old users stay. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** The file goes into placement, and what stands there is answered from: also the users that others entered. */
export async function openPasswords(
  { authentication: { passwordFile: file } }: Config,
  placement: Placement,
  clock: Clock,
  tell: (users: number, publication: Publication) => void,
  onFailure: (error: Error) => void,
): Promise<Passwords> {
  await using opened = new AsyncDisposableStack();
  const publish = async (entries: PasswordEntries): Promise<void> =>
    tell(entries.size, await publishUsers(placement, PASSWORD_USERS, entries));
  if (file === undefined) {
    await publish(new Map());
    return { backend: undefined, reload: async () => undefined, close: async () => undefined };
  }
  const watch = opened.adopt(await UserFileWatch.open({ file, form: PASSWORD_FILE, publish, onFailure }), (watched) =>
    watched.close(),
  );
  const users = opened.adopt(await watchUsers(placement, PASSWORD_USERS, onFailure), (watched) => watched.close());
  const kept = opened.move();
  return {
    backend: passwordBackend(new PasswordVerifier(users, clock)),
    reload: () => watch.reload(),
    close: () => kept.disposeAsync(),
  };
}
