/** GPU checks × architectures as a table. */

import { html, type Html } from '../html.ts';
import { ANY_GPU, type Matrix, type MatrixCell, type MatrixRow } from '../models/matrix.ts';
import { scrolling } from './blocks.ts';
import { standIn } from './gpu.ts';
import { familyOf, outcome } from './outcome.ts';

/** One group of rows a check, one row a variant. */
export function matrixTable({ architectures, rows }: Matrix): Html {
  const systems = new Set(rows.map((row) => row.system));
  const groups = Map.groupBy(rows, (row) => row.name);
  return scrolling(
    'GPU checks by architecture',
    html`<table class="matrix">
      <thead>
        <tr>
          <th scope="col">Variant</th>
          ${architectures.map((name) => html`<th scope="col">${name === ANY_GPU ? 'any GPU' : name}</th>`)}
        </tr>
      </thead>
      ${[...groups].map(([name, ofCheck]) => group(name, ofCheck, architectures, systems.size > 1))}
    </table>`,
  );
}

function group(
  name: string,
  rows: readonly MatrixRow[],
  architectures: readonly string[],
  showSystem: boolean,
): Html {
  const [only] = rows;
  if (rows.length === 1 && only !== undefined && only.variant === null)
    return html`<tbody>
      ${checkRow(only, name, architectures, showSystem)}
    </tbody>`;
  return html`<tbody>
    <tr class="check">
      <th colspan="${architectures.length + 1}" scope="rowgroup"><span>${name}</span></th>
    </tr>
    ${rows.map((row) => checkRow(row, row.variant ?? 'no variant', architectures, showSystem))}
  </tbody>`;
}

function checkRow(
  row: MatrixRow,
  label: string,
  architectures: readonly string[],
  showSystem: boolean,
): Html {
  return html`<tr>
    <th scope="row">
      <a href="/jobs/${row.jobId}">${label}</a
      >${showSystem && html` <span class="place">${row.system}</span>`}
    </th>
    ${architectures.map((architecture) => cell(row, architecture))}
  </tr>`;
}

function cell(row: MatrixRow, architecture: string): Html {
  const ran = row.cells.find((one) => (one.architecture ?? ANY_GPU) === architecture);
  if (ran !== undefined) return result(ran);
  const refused = row.notScheduled.find((one) => one.architecture === architecture);
  // Planned are the architectures that were there, else those that the variant names: this one was neither.
  const reason = refused?.reason ?? 'no such GPU was there';
  return html`<td class="none"><span class="unseen">not scheduled: </span>— ${reason}</td>`;
}

function result({ outcome: ended, state, driver, standIn: fake, attemptId }: MatrixCell): Html {
  const word = ended ?? state;
  const shown = outcome(word);
  return html`<td class="${familyOf(word)}">
    ${attemptId === null ? shown : html`<a href="/attempts/${attemptId}/log">${shown}</a>`}
    ${fake && standIn()} ${driver !== null && html`<span class="driver">driver ${driver}</span>`}
  </td>`;
}
