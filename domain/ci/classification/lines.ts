/** Chunks of a log → lines, without copying: the reader hands out positions within the text at hand. */

/** A line ends here at the latest; longer ones are handed out in pieces of the same number. Bounds what is held back. */
const LONGEST_LINE = 65_536;
/** Bytes decoded at once, so that one character outside Latin-1 does not make the whole log take two bytes a character. */
const DECODED_BYTES = 65_536;

/** `text.slice(start, end)` is the line without its line feed; `number` counts from 1. */
export type OnLine = (text: string, start: number, end: number, number: number) => void;

export interface LineReader {
  readonly write: (chunk: string | Uint8Array) => void;
  /** Hands out the last line, if the log did not end with a line feed. */
  readonly end: () => void;
}

/** Reads a log of any size, invalid UTF-8 included (it becomes U+FFFD); memory is bounded by the longest line and chunk. */
export function createLineReader(onLine: OnLine): LineReader {
  const decoder = new TextDecoder('utf-8', { fatal: false });
  let rest = '';
  let number = 1;

  const read = (chunk: string): void => {
    const text = rest === '' ? chunk : rest + chunk;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      onLine(text, start, end, number++);
      start = end + 1;
    }
    for (; text.length - start >= LONGEST_LINE; start += LONGEST_LINE)
      onLine(text, start, start + LONGEST_LINE, number);
    rest = text.slice(start);
  };

  return {
    write(chunk) {
      if (typeof chunk === 'string') return read(chunk);
      for (let at = 0; at < chunk.length; at += DECODED_BYTES) {
        read(decoder.decode(chunk.subarray(at, at + DECODED_BYTES), { stream: true }));
      }
    },
    end() {
      const last = rest + decoder.decode();
      rest = '';
      if (last !== '') onLine(last, 0, last.length, number);
    },
  };
}
