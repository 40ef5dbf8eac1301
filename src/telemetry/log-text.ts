const LEVEL_WIDTH = 5;

/** Turns a JSON line of the log into one for people: time, level, message, then the other fields as `key=value`. */
export function textLine(json: string): string {
  const { time, level, message, event: _event, error, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${textOf(value)}`);
  const head = `${time} ${String(level).toUpperCase().padEnd(LEVEL_WIDTH)} ${message}`;
  return `${[head, ...shown, ...errorText(error)].join(' ')}\n`;
}

function errorText(error: unknown): string[] {
  if (error === undefined) return [];
  if (typeof error === 'object' && error !== null && 'stack' in error) return [`\n${error.stack}`];
  return [`error=${textOf(error)}`];
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}
