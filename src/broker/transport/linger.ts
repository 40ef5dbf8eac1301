import type { Socket } from 'node:net';

/** Time that what was written has to go out, and the other side to say goodbye. */
export const LINGER_MS = 2000;

/** Closes once what was written is out; not later than `LINGER_MS`, since a client may not read. */
export function closeSoon(socket: Socket): void {
  if (socket.destroyed) return;
  const limit = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(limit));
  socket.destroySoon();
}
