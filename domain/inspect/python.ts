/** Python extension modules, by where they lie. Source: PEP 3149 and PEP 384 (suffixes), `importlib.machinery`. */

const MODULE = /^(.+?)\.(?:cpython-[\w-]+|abi3|pypy[\w-]+)\.so$|^(.+)\.so$/;

/**
 * The package and dotted name of an extension module below `site-packages`, or in a wheel (`WHEEL!/MEMBER`);
 * `null` for what Python does not import: plain libraries beside it have a `lib` in front or a version behind.
 */
export function pythonModuleOf(path: string): { readonly package: string; readonly module: string } | null {
  const inside = /(?:\/(?:site|dist)-packages\/|\.(?:whl|egg)!\/)(.*)$/.exec(path)?.[1];
  if (inside === undefined) return null;
  // Wheels put what belongs to the platform below `NAME.data/platlib`.
  const parts = inside.replace(/^[^/]+\.data\/(?:platlib|purelib)\//, '').split('/');
  const file = parts.pop() ?? '';
  const match = MODULE.exec(file);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined || (match?.[1] === undefined && name.startsWith('lib'))) return null;
  const folders = parts.filter((part) => part !== '');
  return { package: folders[0] ?? name, module: [...folders, name].join('.') };
}
