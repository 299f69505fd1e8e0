/** Many fixed texts looked for at once (Aho and Corasick, CACM 18(6), 1975): a log is read once, however many rules there are. */

/** Characters of a text that the automaton uses: more states would buy nothing, the rules look at the line anyway. */
const USED_CHARACTERS = 28;
const CODES = 128;

export interface LiteralSearch {
  /** Calls `onFound(id, end)` for each occurrence within [start, end) of `text`; letters match in either case. */
  readonly scan: (
    text: string,
    start: number,
    end: number,
    onFound: (id: number, end: number) => void,
  ) => void;
}

/** Builds the automaton; a text's id is its index. */
export function createLiteralSearch(texts: readonly string[]): LiteralSearch {
  const used = texts.map(usablePart);
  const { classOf, classes } = characterClasses(used);
  const trie = buildTrie(used, classOf, classes);
  const { next, found } = addFailureLinks(trie, classes);
  return {
    scan(text, start, end, onFound) {
      let state = 0;
      for (let at = start; at < end; at++) {
        const code = text.charCodeAt(at);
        state = next[state * classes + (code < CODES ? (classOf[code] ?? 0) : 0)] ?? 0;
        const ids = found[state];
        if (ids !== undefined) for (const id of ids) onFound(id, at + 1);
      }
    },
  };
}

/** The longest run between quotes: in the raw log those may be typographic ones, or an escape sequence may follow them. */
function usablePart(text: string): string {
  const runs = text.toLowerCase().split(/[^ -~]+|['"`]/);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  return longest.slice(0, USED_CHARACTERS);
}

/** Numbers the characters that occur, upper and lower case alike, so that the table stays small; 0 is any other one. */
function characterClasses(texts: readonly string[]): { classOf: Uint8Array; classes: number } {
  const classOf = new Uint8Array(CODES);
  let classes = 1;
  for (const text of texts) {
    for (const character of text) {
      const code = character.charCodeAt(0);
      if (classOf[code] !== 0) continue;
      classOf[code] = classes;
      classOf[character.toUpperCase().charCodeAt(0)] = classes;
      classes++;
    }
  }
  return { classOf, classes };
}

interface Trie {
  /** Next state by state × class; 0 means none. */
  readonly next: Int32Array;
  readonly states: number;
  /** Ids of the texts that end in a state; absent for most. */
  readonly found: (number[] | undefined)[];
}

function buildTrie(texts: readonly string[], classOf: Uint8Array, classes: number): Trie {
  const most = texts.reduce((sum, text) => sum + text.length, 1);
  const next = new Int32Array(most * classes);
  const found: (number[] | undefined)[] = Array.from({ length: most }, () => undefined);
  let states = 1;
  texts.forEach((text, id) => {
    let state = 0;
    for (const character of text) {
      const edge = state * classes + (classOf[character.charCodeAt(0)] ?? 0);
      if (next[edge] === 0) next[edge] = states++;
      state = next[edge] ?? 0;
    }
    if (state !== 0) (found[state] ??= []).push(id);
  });
  return { next, states, found };
}

/** Turns the trie into an automaton that never goes back: every missing edge leads where the longest suffix leads. */
function addFailureLinks(trie: Trie, classes: number): Pick<Trie, 'next' | 'found'> {
  const { next, states, found } = trie;
  const failure = new Int32Array(states);
  const queue: number[] = [];
  for (let cls = 0; cls < classes; cls++) {
    const state = next[cls] ?? 0;
    if (state !== 0) queue.push(state);
  }
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0;
    const fallback = failure[state] ?? 0;
    const inherited = found[fallback];
    if (inherited !== undefined) found[state] = [...(found[state] ?? []), ...inherited];
    for (let cls = 0; cls < classes; cls++) {
      const edge = state * classes + cls;
      const target = next[edge] ?? 0;
      const detour = next[fallback * classes + cls] ?? 0;
      if (target === 0) {
        next[edge] = detour;
      } else {
        failure[target] = detour;
        queue.push(target);
      }
    }
  }
  return { next: next.slice(0, states * classes), found: found.slice(0, states) };
}
