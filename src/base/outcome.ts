/** What became of something that may fail, as a value: for `promise.then(succeed, fail)`. */
export type Outcome<Value> =
  | { readonly type: 'succeeded'; readonly value: Value }
  | { readonly type: 'failed'; readonly cause: unknown };

export function succeed<Value>(value: Value): Outcome<Value> {
  return { type: 'succeeded', value };
}

export function fail(cause: unknown): Outcome<never> {
  return { type: 'failed', cause };
}
