import { parentPort } from 'node:worker_threads';
import { assert } from '../../../base/errors.ts';
import { PlacementError } from '../../placement.ts';
import { Database } from './database.ts';
import type { DatabaseAnswer, DatabaseRequest, NumberedAnswer, NumberedRequest } from './database-protocol.ts';

/** The thread that owns the database: one request after the other, answers in the same order. */
const port = parentPort;
assert(port !== null, 'the database worker runs on a thread of its own');

let database: Database | undefined;
let turn: Promise<void> = Promise.resolve();

port.on('message', ({ id, request }: NumberedRequest) => {
  turn = turn.then(async () => {
    const answer = await answerTo(request);
    const late = database?.takeLate();
    const message: NumberedAnswer = late === undefined ? { id, answer } : { id, answer, late };
    port.postMessage(message);
    if (request.type === 'close') port.close();
  });
});

async function answerTo(request: DatabaseRequest): Promise<DatabaseAnswer> {
  try {
    return await perform(request);
  } catch (error) {
    if (error instanceof PlacementError) return { type: 'failed', code: error.code, message: error.message };
    throw error;
  }
}

async function perform(request: DatabaseRequest): Promise<DatabaseAnswer> {
  if (request.type === 'open') {
    database = await Database.open(request.directory);
    return { type: 'done' };
  }
  if (request.type === 'close') {
    await database?.close();
    return { type: 'done' };
  }
  assert(database !== undefined, 'the database is opened first');
  switch (request.type) {
    case 'get':
      return { type: 'entries', entries: await database.get(request.key), finished: true };
    case 'list':
      return { type: 'entries', ...(await database.list(request.prefix, request.page)) };
    case 'write':
      return { type: 'outcomes', outcomes: await database.write(request.writes) };
  }
}
