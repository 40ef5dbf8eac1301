import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the ports that kernels give to clients, so that nobody is given one while its server is away. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** So many different ports of the loopback address on which nobody listens. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      held.push(server);
      ports.push(port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  await Promise.all(held.map((server) => once(server.close(), 'close')));
  return ports;
}
