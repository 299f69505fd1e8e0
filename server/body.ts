/** Bodies that are no JSON: they come as streams. */

import { Readable } from 'node:stream';
import { errorCodes } from 'fastify';

/** The stream of a body; an empty one where there was none. @throws FastifyError (415) where it was taken for something else. */
export function streamOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  if (body === undefined || body === null) return Readable.from([]);
  throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE('application/json');
}

/** The whole of a body. @throws FastifyError (413) beyond `maxBytes`: the framework counts only what it parses itself. */
export async function readBody(body: unknown, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of streamOf(body) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
