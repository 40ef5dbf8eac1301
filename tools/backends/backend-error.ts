import { CodedError } from '../../src/base/errors.ts';

/**
 * `go_missing`: there is no Go; `not_fetched`: the modules cannot be had here; both are no fault of the code. `not_built`:
 * everything is there, and it does not compile.
 */
export class BackendError extends CodedError<'go_missing' | 'not_fetched' | 'not_built'> {}
