import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { CommandContext } from './command-context.ts';

/** The longest a CONNECT can carry (Binary Data has two bytes of length). */
const LONGEST_PASSWORD_BYTES = 0xffff;

export class PasswordInputError extends Error {}

/** From a pipe: all of it, without one line end at its end. */
export async function readPiped({ stdin }: CommandContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > LONGEST_PASSWORD_BYTES + 2) throw new PasswordInputError('the password is longer than MQTT can carry');
  }
  return checked(
    Buffer.concat(chunks)
      .toString()
      .replace(/\r?\n$/, ''),
  );
}

/** From the terminal, twice, without showing it. */
export async function askTwice(context: CommandContext): Promise<Buffer> {
  const first = await ask(context, 'Password: ');
  const second = await ask(context, 'The same again: ');
  if (first !== second) throw new PasswordInputError('the two passwords differ; nothing was changed');
  return checked(first);
}

async function ask({ stdin, stderr }: CommandContext, prompt: string): Promise<string> {
  stderr.write(prompt);
  // Readline echoes what is typed to its output: this one goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new PasswordInputError('no password was given; nothing was changed')));
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}

function checked(password: string): Buffer {
  const bytes = Buffer.from(password);
  if (bytes.length === 0) throw new PasswordInputError('an empty password is none; nothing was changed');
  if (bytes.length > LONGEST_PASSWORD_BYTES) throw new PasswordInputError('the password is longer than MQTT can carry');
  return bytes;
}
