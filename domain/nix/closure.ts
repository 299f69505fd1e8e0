/** Closures and their order, over any way of looking up references; deep graphs are walked without recursion. */
import { ParseError } from '../parse-error.ts';

/** Answers with what a node refers to; references to itself count for nothing. */
export type FindReferences<Node> = (node: Node) => Iterable<Node>;

/** Everything reachable from the roots, the roots included, in the order met. */
export function findClosure<Node>(roots: Iterable<Node>, references: FindReferences<Node>): Set<Node> {
  const closure = new Set(roots);
  // A Set is iterated in insertion order, and what is added meanwhile is visited too.
  for (const node of closure) {
    for (const reference of references(node)) closure.add(reference);
  }
  return closure;
}

/**
 * The closure of the roots with every node after all it refers to.
 * @throws ParseError naming the nodes of a cycle; store paths have none but to themselves.
 */
export function sortClosure<Node>(roots: Iterable<Node>, references: FindReferences<Node>): Node[] {
  const sorted = new Set<Node>();
  for (const root of roots) visit(root, references, sorted);
  return [...sorted];
}

function visit<Node>(root: Node, references: FindReferences<Node>, sorted: Set<Node>): void {
  if (sorted.has(root)) return;
  const entered = new Map<Node, Iterator<Node>>([[root, references(root)[Symbol.iterator]()]]);
  const stack = [root];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const next = entered.get(node)?.next();
    if (next === undefined || next.done === true) {
      stack.pop();
      entered.delete(node);
      sorted.add(node);
    } else if (next.value !== node && !sorted.has(next.value)) {
      if (entered.has(next.value)) {
        throw new ParseError(
          'closure',
          [...stack.slice(stack.indexOf(next.value)), next.value],
          'free of cycles',
        );
      }
      entered.set(next.value, references(next.value)[Symbol.iterator]());
      stack.push(next.value);
    }
  }
}
