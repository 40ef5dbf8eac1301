import type { Connection } from '../connection/connection.ts';
import type { Receiver } from '../session/receiver.ts';

/** What handlers need of a connection whose client has said who it is. */
export type ServedClient = Receiver &
  Pick<Connection, 'mountPoint' | 'principal' | 'session' | 'connectionEnd' | 'inboundPending'>;
