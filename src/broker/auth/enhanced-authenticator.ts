/** A method of enhanced authentication (MQTT 5 section 4.12), in which client and server exchange data. */
export interface EnhancedAuthenticator {
  /** As clients name it: `SCRAM-SHA-256`. */
  readonly method: string;
  /** The client's first word; a method with one word from each side would answer `allowed` at once. */
  begin(data: Uint8Array): ExchangeStep;
}

/** How far an exchange has come. */
export type ExchangeStep =
  | {
      readonly type: 'continue';
      /** For the client. */
      readonly data: Uint8Array;
      readonly next: (data: Uint8Array) => ExchangeStep;
    }
  | {
      readonly type: 'allowed';
      /** The verified user name. */
      readonly identity: string;
      /** By which the server proves itself to the client. */
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'refused';
      /** Whom the client claimed to be, where it got so far. */
      readonly claimed: string | undefined;
    };
