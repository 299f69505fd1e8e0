/** Stand-in GPUs for the demo: a shim driver for each architecture, and a builder that has it. */

import { join } from 'node:path';
import { PROJECT_FOLDER } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { runCommand } from '../setup/command.ts';
import type { ExtraBuilder } from '../up/stack.ts';

/** An Ada and a Pascal card, as the NixOS-CUDA team has them. */
const STAND_INS = [
  { architecture: 'sm_89', capability: '8.9' },
  { architecture: 'sm_61', capability: '6.1' },
] as const;

/** Builds the shims into the state folder. @throws CommandFailure where the compiler, or the mount namespace, is not to be had. */
export async function prepareStandIns(
  stateDir: string,
  environment: NodeJS.ProcessEnv,
): Promise<ExtraBuilder[]> {
  const builders: ExtraBuilder[] = [];
  for (const { architecture, capability } of STAND_INS) {
    const folder = join(stateDir, 'stand-in', architecture);
    const script = join(PROJECT_FOLDER, 'examples', 'cuda', 'stand-in', 'build.sh');
    const { ok, problem } = await runCommand(['/bin/sh', script, folder, capability], { environment });
    if (!ok)
      throw new CommandFailure(
        EXIT.infrastructure,
        `the stand-in for ${architecture} cannot be built: ${problem}`,
      );
    builders.push({
      name: `stand-in-${architecture.replace('_', '')}`,
      environment: {
        NIXWARP_GPUS_ONLY: '1',
        NIXWARP_STAND_IN_FOLDER: folder,
        NIXWARP_NVIDIA_SMI: join(folder, 'bin', 'nvidia-smi'),
      },
    });
  }
  return builders;
}
