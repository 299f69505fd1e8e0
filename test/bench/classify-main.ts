/** The classifier's figures. */

import { benchClassify } from './classify.ts';

export async function classify(): Promise<void> {
  await benchClassify();
}
