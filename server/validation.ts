/** Validation of requests by their schemas. */

import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler, FastifySchema } from 'fastify';

/** Defaults are filled in; nothing is removed silently. */
const COMMON = { strict: false, removeAdditional: false, useDefaults: true, allErrors: true } as const;

/** What stands in a URL is text and becomes numbers and truth values; a JSON body says itself what it is, `null` included. */
export function createValidatorCompiler(): FastifySchemaCompiler<FastifySchema> {
  const ofUrl = new Ajv({ ...COMMON, coerceTypes: 'array' });
  const ofBody = new Ajv({ ...COMMON, coerceTypes: false });
  for (const ajv of [ofUrl, ofBody]) addFormats.default(ajv);
  return ({ schema, httpPart }) => (httpPart === 'body' ? ofBody : ofUrl).compile(schema);
}
