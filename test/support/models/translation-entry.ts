import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../folder.ts';

/** A catalogue entry of a translation model that has these files, whatever they hold. */
export async function fileEntryOf(contents: Record<string, string>) {
  const folder = await temporaryFolder();
  const files = Object.entries(contents).map(([name, content]) => ({
    name,
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
  }));
  for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content);
  return {
    ...{ id: 'tiny', name: 'Tiny', task: 'TRANSLATION', languages: { from: 'en', to: 'pt' }, version: '1' },
    ...{ context: 128, files, sources: [{ file: folder }] },
  };
}
