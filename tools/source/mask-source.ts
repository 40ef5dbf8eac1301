/**
 * Blanks what is not code (comments, the contents of strings, templates and regular expressions) and keeps every
 * position and line break, so that rules can search the code without being fooled by prose and still point at the line.
 * Delimiters stay: `'a'` becomes `' '`. Code inside `${…}` of a template stays code.
 */
export function maskSource(text: string): string {
  return new Masker(text).run();
}

/** Words after which a slash starts a regular expression rather than a division. */
const OPERATOR_WORDS = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'delete',
  'void',
  'throw',
  'new',
  'do',
  'else',
]);

class Masker {
  private readonly text: string;
  private readonly out: string[];
  private position = 0;
  /** For each open template expression, how many braces deep it is. */
  private readonly templateDepths: number[] = [];
  private lastToken = '';

  constructor(text: string) {
    this.text = text;
    this.out = text.split('');
  }

  run(): string {
    if (this.text.startsWith('#!')) this.blankTo(this.lineEnd(0));
    while (this.position < this.text.length) this.step();
    return this.out.join('');
  }

  private step(): void {
    const character = this.text[this.position]!;
    const next = this.text[this.position + 1];
    if (character === '/' && next === '/') this.blankTo(this.lineEnd(this.position));
    else if (character === '/' && next === '*') this.blankTo(this.after('*/', this.position + 2));
    else if (character === "'" || character === '"') this.maskQuoted(character);
    else if (character === '`' || this.closesExpression(character)) this.maskTemplate();
    else if (character === '/' && this.regexMayStart()) this.maskRegex();
    else if (/[\w$]/.test(character)) this.takeWord();
    else this.takeSign(character);
  }

  private takeSign(character: string): void {
    if (/\S/.test(character)) this.lastToken = character;
    this.position++;
  }

  /** Counts the braces inside the innermost `${…}`; true for the one that ends it. */
  private closesExpression(character: string): boolean {
    const depth = this.templateDepths.length - 1;
    if (depth < 0) return false;
    if (character === '{') this.templateDepths[depth]!++;
    if (character !== '}' || --this.templateDepths[depth]! > 0) return false;
    this.templateDepths.pop();
    return true;
  }

  private takeWord(): void {
    const start = this.position;
    while (/[\w$]/.test(this.text[this.position] ?? '')) this.position++;
    this.lastToken = this.text.slice(start, this.position);
  }

  private regexMayStart(): boolean {
    if (OPERATOR_WORDS.has(this.lastToken)) return true;
    return !/[\w$)\]}'"`]$/.test(this.lastToken);
  }

  private maskQuoted(quote: string): void {
    let end = this.position + 1;
    while (end < this.text.length && this.text[end] !== quote && this.text[end] !== '\n') {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.position++;
    this.blankTo(end);
    this.position = end + 1;
    this.lastToken = quote;
  }

  private maskRegex(): void {
    let end = this.position + 1;
    let inClass = false;
    while (end < this.text.length && this.text[end] !== '\n' && (inClass || this.text[end] !== '/')) {
      if (this.text[end] === '[') inClass = true;
      if (this.text[end] === ']') inClass = false;
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.position++;
    this.blankTo(end);
    this.position = end + 1;
    this.lastToken = '`';
  }

  /** From the opening backtick, or from the brace that closes an expression, to the next expression or the end. */
  private maskTemplate(): void {
    let end = this.position + 1;
    while (end < this.text.length && this.text[end] !== '`' && !this.text.startsWith('${', end)) {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    const isExpression = this.text[end] === '$';
    this.position++;
    this.blankTo(end);
    this.position = end + (isExpression ? 2 : 1);
    if (isExpression) this.templateDepths.push(1);
    this.lastToken = isExpression ? '{' : '`';
  }

  private blankTo(end: number): void {
    for (; this.position < Math.min(end, this.text.length); this.position++) {
      if (this.out[this.position] !== '\n') this.out[this.position] = ' ';
    }
  }

  private lineEnd(from: number): number {
    const end = this.text.indexOf('\n', from);
    return end === -1 ? this.text.length : end;
  }

  private after(needle: string, from: number): number {
    const at = this.text.indexOf(needle, from);
    return at === -1 ? this.text.length : at + needle.length;
  }
}
