/** What does not evaluate in the sample graph. */

import type { NewEvaluationError } from '../../../db/evaluations.ts';

function error(name: string, kind: NewEvaluationError['kind'], message: string): NewEvaluationError {
  return { name, system: 'x86_64-linux', variant: 'default', kind, message };
}

export const ERRORS: readonly NewEvaluationError[] = [
  error(
    'faults.jetson',
    'error',
    `error:
       … while evaluating the attribute 'faults.jetson'
         at /nix/store/00000000000000000000000000000000-source/faults.nix:88:5

       error: Jetson devices cannot be targeted with non-Jetson devices: 8.7 8.9`,
  ),
  error(
    'needs.ifd',
    'refused',
    'cannot build /nix/store/00000000000000000000000000000000-generated.nix.drv during evaluation: import from derivation is off for this jobset',
  ),
  error(
    'hostile."<script>"',
    'error',
    '<script>document.title = "owned"</script> & </details></main> \u001b[31mred\u001b[0m',
  ),
  error('long.message', 'error', `error: ${'a long explanation without an end, '.repeat(400)}`),
];
