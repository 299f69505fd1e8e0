/** What a client would rather have: the page or its JSON twin (RFC 9110 §12.5.1). */

export type Representation = 'html' | 'json';

const JSON_TYPES = new Set(['application/json', 'application/problem+json']);
const HTML_TYPES = new Set(['text/html', 'application/xhtml+xml']);

/** The better liked of both by `Accept`; `otherwise` where it names neither or likes both the same. */
export function preferredRepresentation(
  accept: string | undefined,
  otherwise: Representation,
): Representation {
  const html = qualityOf(accept, HTML_TYPES);
  const json = qualityOf(accept, JSON_TYPES);
  if (html === json) return otherwise;
  return html > json ? 'html' : 'json';
}

/** The highest quality that one of the types is named with; wildcards name nothing. */
function qualityOf(accept: string | undefined, types: ReadonlySet<string>): number {
  let best = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (!types.has(type)) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2));
    if (quality > best) best = quality;
  }
  return best;
}
