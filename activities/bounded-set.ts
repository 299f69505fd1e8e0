/** A set that forgets everything when it is full: for what is only known to save asking. */

export function createBoundedSet<T>(limit: number): Set<T> {
  const set = new Set<T>();
  const add = set.add.bind(set);
  set.add = (value) => {
    if (set.size >= limit) set.clear();
    return add(value);
  };
  return set;
}
