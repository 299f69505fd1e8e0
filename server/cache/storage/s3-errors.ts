/** What an S3 service answers, in our words. */

import { S3ServiceException } from '@aws-sdk/client-s3';
import { describeError } from '../../../runtime/logger.ts';
import { UnavailableError } from '../../errors.ts';

/** There is no such object. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    (error.name === 'NoSuchKey' || (error.name === 'NotFound' && error.$metadata.httpStatusCode === 404))
  );
}

/** The service does not answer, or says that it cannot now. Anything else is an answer: to a wrong name, or a wrong key. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === 'CredentialsProviderError') return false;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  return status === undefined || status >= 500 || status === 429;
}

/** As the file system says it. */
export function missingFile(key: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the bucket has no ${key}`), { code: 'ENOENT' });
}

/** Clients are told to come back: what they want is there, out of reach. */
export function translated(error: unknown): Error {
  return new UnavailableError(`the bucket does not give or take a file: ${describeError(error)}`, {
    cause: error,
  });
}
