import { PlacementError } from '../../placement.ts';

/** RocksDB's failures by what a caller can do about them. abstract-level wraps those of `open` and `close`. */
export function databaseError(directory: string, error: unknown): PlacementError {
  if (error instanceof PlacementError) return error;
  const root = rootCause(error);
  const said = root.message;
  if (root.code === 'LEVEL_LOCKED') {
    return new PlacementError('locked', `the metadata in ${directory} is open in another process: ${said}`, error);
  }
  if (root.code === 'LEVEL_CORRUPTION') {
    return new PlacementError('corrupt', `the metadata in ${directory} is damaged: ${said}`, error);
  }
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    return new PlacementError('no_space', `no space for metadata in ${directory}: ${said}`, error);
  }
  return new PlacementError('io_failed', `the metadata in ${directory} cannot be read or written: ${said}`, error);
}

function rootCause(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  if (error.cause instanceof Error) return rootCause(error.cause);
  return { code: 'code' in error ? error.code : undefined, message: error.message };
}
