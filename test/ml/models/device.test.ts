import { mkdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/lib/errors.ts';
import { cudaLibrary } from '../../../src/ml/models/cuda-libraries.ts';
import { chooseDevice, type DeviceChoice } from '../../../src/ml/models/device.ts';
import { packagedLibrary } from '../../../src/ml/ort/library.ts';
import { temporaryFolder } from '../../support/folder.ts';

function choose(choice: DeviceChoice, dataDir: string) {
  const lines: unknown[] = [];
  const log = { info: (line: unknown) => void lines.push(line) } as Parameters<typeof chooseDevice>[0]['log'];
  return { device: chooseDevice({ choice, dataDir, log }), lines };
}

const onLinux = process.platform === 'linux' && process.arch === 'x64';

describe('[DEVICE1] where models run', () => {
  it('is the CPU without a log line if that is configured', async () => {
    expect(choose('cpu', await temporaryFolder())).toEqual({ device: { type: 'cpu' }, lines: [] });
  });

  it('is the CPU if nothing is installed, and one line says what is missing; with cuda it fails the start', async () => {
    const folder = await temporaryFolder();
    const { device, lines } = choose('auto', folder);
    expect(device).toEqual({ type: 'cpu' });
    expect(lines).toEqual([expect.stringMatching(onLinux ? /^Models run on the CPU: .*npm run cuda/ : /linux-x64/)]);
    expect(() => choose('cuda', folder)).toThrow(StartupError);
    expect(() => choose('cuda', folder)).toThrow(onLinux ? 'npm run cuda' : 'linux-x64');
  });

  it.skipIf(!onLinux)('says which library the provider lacks', async () => {
    const folder = await temporaryFolder();
    const library = cudaLibrary(folder);
    await mkdir(dirname(library), { recursive: true });
    // The library without its provider beside it.
    await symlink(packagedLibrary(), library);
    expect(choose('auto', folder).lines).toEqual([
      expect.stringMatching(/^Models run on the CPU: .*libonnxruntime_providers_shared\.so/),
    ]);
    expect(() => choose('cuda', folder)).toThrow(/^CADENZA_DEVICE is cuda, but .*libonnxruntime_providers_shared\.so/);
  });
});
