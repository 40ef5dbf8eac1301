/**
 * Node's reporter prints its summary (`ℹ tests 12`, …) and, when a test failed, the failures behind it. A reader of the
 * last lines wants the summary there, so it is remembered and told again when something followed it.
 */
export class SummaryKeeper {
  private lines: string[] = [];
  private isLast = false;

  add(line: string): void {
    if (/^ℹ tests \d+/.test(line)) this.lines = [];
    if (/^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+/.test(line)) {
      this.lines.push(line);
      this.isLast = true;
    } else if (line.trim() !== '') {
      this.isLast = false;
    }
  }

  /** The summary, unless the output already ended with it. */
  hidden(): readonly string[] {
    return this.isLast ? [] : this.lines;
  }
}
