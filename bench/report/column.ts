import type { Row } from './row.ts';

/** One column of a table: its heading and a row's text in it. */
export interface Column {
  readonly heading: string;
  readonly text: (row: Row) => string;
}
