/** Who a message comes from or goes to, as its trace says. */
export interface TracedClient {
  readonly clientId: string;
  readonly sessionNumber: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Empty: anonymous. */
  readonly userName: string;
  readonly authMethod: string;
  /** Where the recorder wrote all this last (telemetry/records/client-table.ts); 0: never. */
  tracePosition: number;
}
