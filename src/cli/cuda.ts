import { loadConfig } from '../config.ts';
import { ServiceUnavailableError } from '../lib/errors.ts';
import { installCuda } from '../ml/engine.ts';
import { parseCommandLine, runCommand } from './command.ts';
import { print } from './display.ts';

const USAGE = `Usage: npm run cuda -- [--without-runtime] [--data-dir FOLDER]

  Installs what models need to run on an NVIDIA GPU (Linux, x64) into the data folder, by pip.

  --without-runtime  only ONNX Runtime's part: CUDA 13 and cuDNN 9 are installed on this machine already`;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = {
    'without-runtime': { type: 'boolean', default: false },
    'data-dir': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const dataDir = values['data-dir'] ?? loadConfig().dataDir;
  print('Downloading. This takes several minutes.');
  try {
    print(`Installed into ${await installCuda({ dataDir, withRuntime: !values['without-runtime'], signal })}`);
  } catch (error) {
    signal.throwIfAborted();
    throw new ServiceUnavailableError(
      `Nothing was installed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return 0;
}

await runCommand({ usage: USAGE, interrupted: 'Interrupted; nothing was installed.', run });
