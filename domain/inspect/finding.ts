/** What the inspection of outputs says: faults that will show on a machine with a GPU, and notices for people. */

import type { FailureClass } from '../ci/classification/taxonomy.ts';

export interface Finding {
  /** A fault fails where the file is used; a notice may be meant so. */
  readonly severity: 'fault' | 'notice';
  /** The words of the classifier, so that a fault found here and one found in a log are one. */
  readonly class: FailureClass;
  readonly subclass: string;
  /** The file or store path that has it. */
  readonly file: string;
  /** One sentence: what is wrong, and what to do. */
  readonly message: string;
}
