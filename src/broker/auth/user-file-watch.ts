import { stat } from 'node:fs/promises';
import { CodedError } from '../../base/errors.ts';
import { readUserFile, type UserFileForm, unreadable } from './user-file.ts';

const CHECK_EVERY_MS = 1000;

export interface UserFileWatchOptions<Credential> {
  readonly file: string;
  readonly form: UserFileForm<Credential>;
  /** Given the users whenever the file may have changed. */
  readonly publish: (users: ReadonlyMap<string, Credential>) => Promise<void>;
  /** Told once when a changed file cannot be read or published, which is then tried again with every check. */
  readonly onFailure: (error: CodedError<string>) => void;
  readonly checkEveryMs?: number;
}

/** Publishes the users of a file, and again when it changes. */
export class UserFileWatch<Credential> {
  readonly #options: UserFileWatchOptions<Credential>;
  /** Of the file that was published last. */
  #version = '';
  #toldFailure: string | undefined;
  /** One reading at a time, so that an older one never comes out on top. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: UserFileWatchOptions<Credential>) {
    this.#options = options;
  }

  /** Rejects, like `reload`, when the file cannot be published. */
  static async open<Credential>(options: UserFileWatchOptions<Credential>): Promise<UserFileWatch<Credential>> {
    const watch = new UserFileWatch(options);
    await watch.reload();
    watch.#schedule();
    return watch;
  }

  /** Rejects with a UserFileError when the file is unusable, or with what publishing it failed with. */
  reload(): Promise<void> {
    return this.#afterLast(() => this.#read());
  }

  /** Reads the file if it has changed since it was published. */
  check(): Promise<void> {
    return this.#afterLast(async () => {
      try {
        if ((await this.#readVersion()) !== this.#version) await this.#read();
        this.#toldFailure = undefined;
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        if (error.message === this.#toldFailure) return;
        this.#toldFailure = error.message;
        this.#options.onFailure(error);
      }
    });
  }

  /** Settles when nothing is being read or published any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#last;
  }

  async #read(): Promise<void> {
    const { file, form, publish } = this.#options;
    // Taken first: what is written while the file is read is a change for the next check.
    const version = await this.#readVersion();
    await publish(await readUserFile(file, form));
    this.#version = version;
  }

  /** Changes when the file is written or replaced. */
  async #readVersion(): Promise<string> {
    const { file, form } = this.#options;
    const { ino, size, mtimeMs, ctimeMs } = await stat(file).catch((error: unknown) => unreadable(file, form, error));
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  }

  #afterLast(task: () => Promise<void>): Promise<void> {
    const run = this.#last.then(task);
    this.#last = run.catch(() => undefined);
    return run;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => void this.check().then(() => this.#schedule()),
      this.#options.checkEveryMs ?? CHECK_EVERY_MS,
    );
  }
}
