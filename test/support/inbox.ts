/** Long beyond any real answer: it ends a test that would hang, and says what it waited for. */
const WAIT_LIMIT_MS = 20_000;

interface Waiter<Item> {
  readonly accepts: (item: Item) => boolean;
  readonly resolve: (item: Item) => void;
  readonly reject: (error: Error) => void;
}

/** What has come in and was not asked for yet, and who waits for what has not come. */
export class Inbox<Item> {
  readonly #items: Item[] = [];
  readonly #waiters: Waiter<Item>[] = [];
  readonly #show: (item: Item) => string;
  #closed: Error | undefined;

  constructor(show: (item: Item) => string) {
    this.#show = show;
  }

  /** What nobody has taken. */
  get waiting(): readonly Item[] {
    return this.#items;
  }

  push(item: Item): void {
    const index = this.#waiters.findIndex(({ accepts }) => accepts(item));
    if (index === -1) this.#items.push(item);
    else this.#waiters.splice(index, 1)[0]!.resolve(item);
  }

  /** Nothing more comes: whoever still waits fails with this. */
  close(reason: Error): void {
    this.#closed ??= reason;
    for (const { reject } of this.#waiters.splice(0)) reject(this.#closed);
  }

  /** The first item that fits, whatever lies before it. */
  take(wanted: string, accepts: (item: Item) => boolean = () => true): Promise<Item> {
    const index = this.#items.findIndex(accepts);
    if (index !== -1) return Promise.resolve(this.#items.splice(index, 1)[0]!);
    if (this.#closed !== undefined) return Promise.reject(new Error(`${wanted}: ${this.#closed.message}`));
    return this.#wait(wanted, accepts);
  }

  #wait(wanted: string, accepts: (item: Item) => boolean): Promise<Item> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        const items = this.#items.map(this.#show).join(', ') || 'nothing';
        reject(new Error(`${wanted} did not come within ${WAIT_LIMIT_MS / 1000} s; there was: ${items}`));
      }, WAIT_LIMIT_MS);
      const waiter: Waiter<Item> = {
        accepts,
        resolve: (item) => {
          clearTimeout(limit);
          resolve(item);
        },
        reject: (error) => {
          clearTimeout(limit);
          reject(new Error(`${wanted}: ${error.message}`));
        },
      };
      this.#waiters.push(waiter);
    });
  }
}
