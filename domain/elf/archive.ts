/** Static libraries: members of an `ar` archive. Source: ar(5), with GNU's and BSD's forms of long names. */

import { ParseError } from '../parse-error.ts';
import { type ByteSource, readRange, sliceSource } from './byte-source.ts';

export interface ArchiveMember {
  readonly name: string;
  readonly source: ByteSource;
}

const FORMAT = 'static library';
const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
const ascii = new TextDecoder('latin1');

export function isArchive(source: ByteSource): boolean {
  return source.size >= MAGIC.length && ascii.decode(source.read(0, MAGIC.length)) === MAGIC;
}

/** Members in order, without symbol tables. @throws ParseError */
export function listArchive(source: ByteSource): ArchiveMember[] {
  const members: ArchiveMember[] = [];
  let longNames = '';
  for (let at = MAGIC.length; at + HEADER_BYTES <= source.size;) {
    const header = ascii.decode(readRange(source, FORMAT, at, HEADER_BYTES));
    const [rawName, sizeText] = [header.slice(0, 16).trimEnd(), header.slice(48, 58).trim()];
    if (!/^\d+$/.test(sizeText) || !header.endsWith('`\n'))
      throw new ParseError(FORMAT, header, 'the header of a member');
    const size = Number(sizeText);
    const content = sliceSource(source, FORMAT, at + HEADER_BYTES, size);
    at += HEADER_BYTES + size + (size % 2);
    if (rawName === '//') longNames = ascii.decode(content.read(0, size));
    else if (rawName !== '/' && rawName !== '/SYM64/') members.push(memberOf(rawName, content, longNames));
  }
  return members;
}

function memberOf(rawName: string, content: ByteSource, longNames: string): ArchiveMember {
  const gnu = /^\/(\d+)$/.exec(rawName);
  if (gnu !== null) {
    const start = Number(gnu[1]);
    const end = longNames.indexOf('/\n', start);
    return { name: longNames.slice(start, end < 0 ? undefined : end), source: content };
  }
  const bsd = /^#1\/(\d+)$/.exec(rawName);
  if (bsd !== null) {
    const length = Number(bsd[1]);
    return {
      name: ascii.decode(readRange(content, FORMAT, 0, length)).replace(/\0+$/, ''),
      source: sliceSource(content, FORMAT, length, content.size - length),
    };
  }
  return { name: rawName.replace(/\/$/, ''), source: content };
}
