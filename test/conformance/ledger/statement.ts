/** One normative statement of a version of the specification. */
export interface Statement {
  /** As the specification numbers it: `MQTT-3.1.0-1`. */
  readonly id: string;
  /** Whose behaviour it constrains. */
  readonly binds: 'server' | 'client' | 'both';
  /** Why no test of a server can decide it; absent where tests do. */
  readonly reason?: string;
}
