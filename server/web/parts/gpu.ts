/** GPUs, and what came from something that only plays one. */

import { html, type Html, joined } from '../html.ts';
import { bytes } from './times.ts';

/** Beside every result that no GPU gave. */
export function standIn(): Html {
  return html`<span class="tag stand-in">stand-in</span>`;
}

/** The GPU that an attempt ran on. */
export function attemptGpu(gpu: {
  readonly model: string;
  readonly architecture: string;
  readonly driver: string;
  readonly standIn: boolean;
}): Html {
  return html`${gpu.model}
    <span class="place">${gpu.architecture}, driver ${gpu.driver}</span
    >${gpu.standIn && html` ${standIn()}`}`;
}

export function gpuFacts(gpu: {
  readonly model: string;
  readonly architecture: string;
  readonly driver: string;
  readonly memoryBytes: number;
  readonly standIn: boolean;
}): Html {
  return joined(
    [
      html`<b>${gpu.architecture}</b>`,
      html`<span>${gpu.model}</span>`,
      html`<span class="place">driver ${gpu.driver}, ${bytes(gpu.memoryBytes)}</span>`,
      gpu.standIn && standIn(),
    ],
    ' ',
  );
}
