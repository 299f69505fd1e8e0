/** NARs and the trees in them, for tests: built by hand, not by the code under test. */
import type { NarLimits } from '../../domain/nix/nar-format.ts';
import { createNarReader } from '../../domain/nix/nar-read.ts';

/** A tree as tests write it; names, contents and targets are bytes shown as latin 1. */
export type Tree = FileTree | LinkTree | DirectoryTree;
interface FileTree {
  content: string;
  executable?: true;
}
interface LinkTree {
  target: string;
}
export interface DirectoryTree {
  [name: string]: Tree;
}

/** A NAR string: length, bytes, padding. */
export function str(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([size, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
}

const strings = (...texts: (string | Buffer)[]): Buffer => Buffer.concat(texts.map(str));

export function nar(object: Buffer): Buffer {
  return Buffer.concat([str('nix-archive-1'), object]);
}

export function fileNar(content: string | Buffer, executable = false): Buffer {
  return strings('(', 'type', 'regular', ...(executable ? ['executable', ''] : []), 'contents', content, ')');
}

export function linkNar(target: string | Buffer): Buffer {
  return strings('(', 'type', 'symlink', 'target', target, ')');
}

/** Entries are written in the order given, right or wrong. */
export function directoryNar(entries: [string | Buffer, Buffer][]): Buffer {
  const written = entries.map(([name, object]) =>
    Buffer.concat([strings('entry', '(', 'name', name, 'node'), object, str(')')]),
  );
  return Buffer.concat([strings('(', 'type', 'directory'), ...written, str(')')]);
}

/** Formats a tree, entries in its own order. */
export function formatNarTree(tree: Tree): Buffer {
  return nar(formatObject(tree));
}

function formatObject(tree: Tree): Buffer {
  if (isFile(tree)) return fileNar(Buffer.from(tree.content, 'latin1'), tree.executable === true);
  if (isLink(tree)) return linkNar(Buffer.from(tree.target, 'latin1'));
  return directoryNar(
    Object.entries(tree).map(([name, entry]) => [Buffer.from(name, 'latin1'), formatObject(entry)]),
  );
}

export function isFile(tree: Tree): tree is FileTree {
  return typeof (tree as Partial<FileTree>).content === 'string';
}

export function isLink(tree: Tree): tree is LinkTree {
  return typeof (tree as Partial<LinkTree>).target === 'string';
}

/** Reads a whole NAR, given in chunks, into a tree by the reader under test. */
export function readNarTree(
  chunks: Iterable<Uint8Array>,
  limits: Partial<NarLimits> = {},
): { tree: DirectoryTree; size: number } {
  const root: DirectoryTree = {};
  const open: DirectoryTree[] = [root];
  let content: Buffer[] = [];
  let current: FileTree | null = null;
  const place = (name: Buffer | null, tree: Tree): void => {
    open.at(-1)![name === null ? '' : name.toString('latin1')] = tree;
  };
  const reader = createNarReader(
    {
      directoryStart: (name) => {
        const directory: DirectoryTree = {};
        place(name, directory);
        open.push(directory);
      },
      directoryEnd: () => open.pop(),
      file: (name, { executable }) => {
        current = { content: '', ...(executable && { executable }) };
        content = [];
        place(name, current);
      },
      content: (chunk) => content.push(Buffer.from(chunk)),
      fileEnd: () => {
        current!.content = Buffer.concat(content).toString('latin1');
      },
      symlink: (name, target) => place(name, { target: target.toString('latin1') }),
    },
    limits,
  );
  for (const chunk of chunks) reader.write(chunk);
  const size = reader.end();
  return { tree: root[''] as DirectoryTree, size };
}
