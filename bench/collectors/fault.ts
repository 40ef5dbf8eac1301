/**
 * What a collector can have: nothing listens; it never answers; it says 503, to be asked again; it says 400, that it will
 * never take this; it resets every connection; it answers after two seconds.
 */
export const FAULTS = ['dead', 'hanging', 'refusing', 'rejecting', 'resetting', 'slow'] as const;
export type Fault = (typeof FAULTS)[number];

export const isFault = (text: string): text is Fault => (FAULTS as readonly string[]).includes(text);
