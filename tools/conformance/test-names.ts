/** A test of the conformance suite as its source names it. */
export interface NamedTest {
  /** Relative to the repository. */
  readonly file: string;
  /** The statements it proves. */
  readonly ids: readonly string[];
  /** What is seen; `…` where the source fills something in. */
  readonly name: string;
}

/** A literal that begins with statements; it may stand anywhere: names of shared bodies are arguments. */
const NAME = /(?<!\\)(['"`])(\[MQTT-(?:\\.|(?!\1)[^\\\n])*)\1/g;
const LEADING_IDS = /^(?:\[(MQTT-[^\]]+)\] ?)+/;
const ID = /\[(MQTT-[^\]]+)\]/g;
const PLACEHOLDER = /\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g;

/** The statements that a test's name begins with. */
export function leadingIds(name: string): string[] {
  const leading = LEADING_IDS.exec(name)?.[0] ?? '';
  return [...leading.matchAll(ID)].map(([, id]) => id!);
}

export function findTests(file: string, source: string): NamedTest[] {
  return [...source.matchAll(NAME)].map(([, , literal]) => {
    const name = literal!.replace(PLACEHOLDER, '…').replaceAll(/\\(.)/g, '$1');
    return { file, ids: leadingIds(name), name: name.replace(LEADING_IDS, '') };
  });
}
