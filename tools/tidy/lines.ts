import { isTest, type SourceFile, type Violation } from '../source/source-file.ts';

/** The formatter keeps code at 120; this is for what it cannot break: comments and strings. */
const MAX_COLUMNS = 140;

interface LineRule {
  /** Searched in the code alone, or in comments and strings too. */
  readonly in: 'code' | 'text';
  readonly pattern: RegExp;
  readonly applies: (path: string) => boolean;
  readonly message: string;
}

const everywhere = (): boolean => true;
const inProgram = (path: string): boolean => path.startsWith('src/') && !isTest(path);

const RULES: readonly LineRule[] = [
  {
    in: 'text',
    // The brackets keep the rule from finding itself.
    pattern: /\b(TO[D]O|FIX[M]E)\b/,
    applies: everywhere,
    message: 'unfinished work is done now or written down as an issue, where somebody will see it',
  },
  {
    in: 'text',
    pattern: /@ts-(ignore|nocheck)\b/,
    applies: everywhere,
    message: 'silencing the compiler hides the next error too: fix the type, or narrow it where it comes in',
  },
  {
    in: 'code',
    pattern: /\bconsole\.\w+/,
    applies: (path) => inProgram(path) && !/^src\/(cli\/|[^/]+$)/.test(path),
    message: 'prints to the console: only the command line does; everything else logs through telemetry',
  },
  {
    in: 'code',
    pattern: /\bDate\.now\b|\bMath\.random\b/,
    applies: (path) => inProgram(path) && !path.startsWith('src/base/'),
    message: 'time and randomness come in as arguments (src/base), so that tests own them',
  },
  {
    in: 'code',
    pattern: /\b(it|test|describe)\.only\b/,
    applies: isTest,
    message: 'a focused test silences all the others',
  },
];

export function checkLines(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const code = file.code.split('\n');
    return file.text
      .split('\n')
      .flatMap((text, index) => lineMessages(file.path, text, code[index]!).map(at(file, index)));
  });
}

function at(file: SourceFile, index: number): (message: string) => Violation {
  return (message) => ({ file: file.path, line: index + 1, message });
}

function lineMessages(path: string, text: string, code: string): string[] {
  const messages = RULES.filter(
    (rule) => rule.applies(path) && rule.pattern.test(rule.in === 'code' ? code : text),
  ).map(({ message }) => message);
  if (text.length > MAX_COLUMNS && !text.includes('://')) {
    messages.push(`${text.length} columns: two files must fit side by side, so a line has at most ${MAX_COLUMNS}`);
  }
  return messages;
}
