/** Attributes that are to be looked at, and how many of them one process gets. */

export interface WorkItem {
  /** Where the attribute is, from the root. */
  readonly path: readonly string[];
  /** What it is called where it is reported: `tests.<t>` may have been reached through `passthru`. */
  readonly attrPath: readonly string[];
  /** One of the places where the walk begins: entered whatever its marks say. */
  readonly top: boolean;
  /** Components of `path` that lead to the place where the walk began. */
  readonly topLength: number;
  /**
   * `visit`: the attribute, its children, its checks; `self`: only itself; `check`: itself, if it asks for a GPU;
   * `checks`: what checks it has; `probe`: whether it is there.
   */
  readonly want: 'visit' | 'self' | 'check' | 'checks' | 'probe';
  /** Has a process for itself. */
  readonly alone: boolean;
  /** Dies of what `tryEval` would catch, to have the message; such an item is alone. */
  readonly plain: boolean;
  /** Whether a set is compared with sets above it. */
  readonly compare: boolean;
  /** Tests of the derivation that are to be passed over. */
  readonly fromTest: number;
}

export function createWorkItem(path: readonly string[], changes: Partial<WorkItem> = {}): WorkItem {
  return {
    path,
    attrPath: path,
    top: false,
    topLength: 0,
    want: 'visit',
    alone: false,
    plain: false,
    compare: true,
    fromTest: 0,
    ...changes,
  };
}

/** The part of an item that walk.nix reads. */
export function itemFields({ path, top, want, plain, compare, fromTest }: WorkItem): object {
  return { path, top, want, plain, compare, fromTest };
}

const FIRST_BATCH = 50;
const SMALLEST_BATCH = 10;
const LARGEST_BATCH = 1_000;
/** A process that ends sooner has spent much of its time on starting and on the root. */
const SHORT_BATCH_MS = 2_000;
/** Linux takes 128 KiB in one argument. */
export const MAX_ITEM_BYTES = 64 * 1024;

export interface WorkQueue {
  readonly length: number;
  add(items: readonly WorkItem[]): void;
  /** Items for one process, while `workers` processes share the queue. */
  take(workers: number): WorkItem[];
  /** Batches grow while processes are short, and shrink when one runs out of memory. */
  learn(batch: { readonly items: number; readonly ms: number; readonly killed: boolean }): void;
}

export function createWorkQueue(): WorkQueue {
  let shared: WorkItem[] = [];
  let head = 0;
  const alone: WorkItem[] = [];
  let size = FIRST_BATCH;

  function takeShared(workers: number): WorkItem[] {
    const left = shared.length - head;
    const most = Math.min(size, Math.max(1, Math.ceil(left / workers)));
    const batch: WorkItem[] = [];
    for (let bytes = 0; batch.length < most && head < shared.length; head++) {
      const item = shared[head];
      if (item === undefined) break;
      bytes += Buffer.byteLength(JSON.stringify(itemFields(item)));
      if (batch.length > 0 && bytes > MAX_ITEM_BYTES) break;
      batch.push(item);
    }
    if (head > LARGEST_BATCH && head > shared.length / 2) {
      shared = shared.slice(head);
      head = 0;
    }
    return batch;
  }

  return {
    get length() {
      return shared.length - head + alone.length;
    },
    add: (items) => {
      for (const item of items) (item.alone ? alone : shared).push(item);
    },
    // Jobs before messages: builds wait for jobs.
    take: (workers) => (head < shared.length ? takeShared(workers) : alone.splice(0, 1)),
    learn: ({ items, ms, killed }) => {
      if (killed) size = Math.max(SMALLEST_BATCH, Math.floor(size / 2));
      else if (items >= size && ms < SHORT_BATCH_MS) size = Math.min(LARGEST_BATCH, size * 2);
    },
  };
}
