/** What people are told of the way out. Each tells of a change; nothing is said twice in between. */
export interface ExportEvents {
  /** Batches are kept from now on, and sent again ever more rarely. */
  onFailing(destination: string, message: string): void;
  /** @param droppedSpans lost for want of room in the meantime */
  onRecovered(destination: string, droppedSpans: number): void;
  /** The collector did not want these; may come often. */
  onRejected(destination: string, spans: number, message: string): void;
  /** The spool cannot be written or read; what should be there is dropped until it can. */
  onSpoolFailing(folder: string, message: string): void;
}
