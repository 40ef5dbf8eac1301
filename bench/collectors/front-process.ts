/** `front-process.ts <fault> <port of the sink>`: a faulty collector in a process of its own, told by messages how to be. */
import type { Fault } from './fault.ts';
import { FaultyFront } from './faulty-front.ts';

const [fault, sinkPort] = process.argv.slice(2) as [Fault, string];
const front = await FaultyFront.start(fault, Number(sinkPort));

process.on('message', async (wanted: 'misbehave' | 'recover') => {
  await front[wanted]();
  process.send!(wanted);
});
process.on('disconnect', () => process.exit());
process.send!(front.port);
