/** A file that several read while it is written; its last byte is given to readers only when the whole was found right. */

import { type FileHandle, open } from 'node:fs/promises';

const READ_BYTES = 256 * 1024;

type State =
  | { readonly kind: 'growing' }
  /** All bytes are there, and not looked at yet. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly error: Error };

export class GrowingFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  #size = 0;
  #state: State = { kind: 'growing' };
  #changed = Promise.withResolvers<void>();
  #readers = 0;
  #isDisposed = false;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The name may be removed as soon as this resolves. */
  static async create(path: string): Promise<GrowingFile> {
    return new GrowingFile(await open(path, 'wx+'));
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  get readers(): number {
    return this.#readers;
  }

  /** One call at a time. @throws what the disk says. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;)
      at += (await this.#handle.write(chunk, at, chunk.length - at, this.#size + at)).bytesWritten;
    this.#size += chunk.length;
    this.#wake();
  }

  /** Nothing is appended any more. */
  end(): void {
    this.#become({ kind: 'whole' });
  }

  /** Readers get the last byte. */
  succeed(): void {
    this.#become({ kind: 'verified' });
  }

  /** Readers are cut. */
  fail(error: Error): void {
    this.#become({ kind: 'failed', error });
  }

  /** All bytes as they come, for who verifies them. @throws what made it fail. */
  follow(): AsyncGenerator<Buffer> {
    return this.#read(0, Number.POSITIVE_INFINITY, () => this.#size);
  }

  /** Bytes `start` to `end` (exclusive) as they come. @throws what made it fail. */
  read(start: number, end: number): AsyncGenerator<Buffer> {
    return this.#read(start, end, () => (this.#state.kind === 'verified' ? this.#size : this.#size - 1));
  }

  async *#read(start: number, end: number, readable: () => number): AsyncGenerator<Buffer> {
    this.#readers += 1;
    try {
      for (let position = start; position < end;) {
        const changed = this.#changed.promise;
        if (this.#state.kind === 'failed') throw this.#state.error;
        const available = Math.min(end, readable()) - position;
        if (available > 0) {
          const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, available));
          const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
          position += bytesRead;
          yield buffer.subarray(0, bytesRead);
        } else if (this.#isOver(position)) {
          return;
        } else {
          await changed;
        }
      }
    } finally {
      this.#readers -= 1;
      await this.#closeUnused();
    }
  }

  /** Whether nothing comes behind a position. */
  #isOver(position: number): boolean {
    return (this.#state.kind === 'whole' || this.#state.kind === 'verified') && position >= this.#size;
  }

  #become(state: State): void {
    if (this.#state.kind === 'verified' || this.#state.kind === 'failed') return;
    this.#state = state;
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  async #closeUnused(): Promise<void> {
    if (this.#isDisposed && this.#readers === 0) await this.#handle.close();
  }

  /** Who reads may go on to the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.fail(new Error('it is not fetched any more'));
    await this.#closeUnused();
  }
}
