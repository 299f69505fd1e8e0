/** Content types of files out of packages: what browsers show without running anything, and bytes for the rest. */

const TEXT = 'text/plain; charset=utf-8';

const BY_SUFFIX: ReadonlyMap<string, string> = new Map(
  Object.entries({
    html: 'text/html; charset=utf-8',
    htm: 'text/html; charset=utf-8',
    json: 'application/json',
    pdf: 'application/pdf',
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    webp: 'image/webp',
  }),
);

/** Read as text, whatever they are: sources, scripts, documents. */
const TEXTS = new Set(
  'c cc cfg cmake conf cpp cs css cu cuh csv drv el f90 go h hpp hs in ini js la log lua m4 man md mk ml nix patch pc pl pm py r rb rs rst sh sql svg tcl tex toml ts txt xml yaml yml'.split(
    ' ',
  ),
);

/** Files without a suffix that are text everywhere. */
const TEXT_NAMES =
  /^(authors|changelog|changes|copying|copyright|licen[cs]e|makefile|news|notice|readme|todo|version)$/i;

/** @param path with slashes; the type depends on its last part alone. */
export function contentTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot < 1) return TEXT_NAMES.test(name) ? TEXT : 'application/octet-stream';
  const suffix = name.slice(dot + 1).toLowerCase();
  return BY_SUFFIX.get(suffix) ?? (TEXTS.has(suffix) ? TEXT : 'application/octet-stream');
}
