import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file that is made from the code, whole or between two marks. */
export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string;
  /** What it is made from: where to change it. */
  readonly source: string;
  readonly render: () => string;
  /** Only what stands between `<!-- generated:<section> -->` and `<!-- /generated:<section> -->`; else the whole file. */
  readonly section?: string;
}

/** Sentences about what is not as the code would have it. */
export function staleFiles(root: string, files: readonly GeneratedFile[]): string[] {
  return files
    .filter((file) => readText(root, file) !== wantedText(root, file))
    .map(({ path, section, source }) => {
      const place = section === undefined ? path : `the section ${section} of ${path}`;
      return `${place} is not what ${source} makes of it: run \`npm run generate\` and commit what it writes`;
    });
}

/** Writes what is stale and returns its paths. */
export function writeFiles(root: string, files: readonly GeneratedFile[]): string[] {
  return files.flatMap((file) => {
    const wanted = wantedText(root, file);
    if (readText(root, file) === wanted) return [];
    const path = join(root, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, wanted);
    return [file.path];
  });
}

function wantedText(root: string, file: GeneratedFile): string {
  return file.section === undefined ? file.render() : replaceSection(readText(root, file), file.section, file);
}

function replaceSection(text: string, section: string, { path, render }: GeneratedFile): string {
  const [opening, closing] = [`<!-- generated:${section} -->`, `<!-- /generated:${section} -->`];
  const start = text.indexOf(opening);
  const end = text.indexOf(closing, start);
  if (start === -1 || end === -1)
    throw new Error(`${path} must have the lines ${opening} and ${closing}, in this order`);
  return `${text.slice(0, start + opening.length)}\n${render()}${text.slice(end)}`;
}

function readText(root: string, { path }: GeneratedFile): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
