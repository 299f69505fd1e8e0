/** Files that nginx sends in our stead: we say who may have which, it has `sendfile`. */

import { relative, sep } from 'node:path';

/**
 * For `X-Accel-Redirect`: a file of the cache's folder as a location of nginx.
 * @param location with a slash at both ends; nginx has the folder there as an `internal` alias.
 */
export function accelerateWith(location: string, cacheFolder: string): (path: string) => string | undefined {
  return (path) => {
    const inside = relative(cacheFolder, path);
    // A file from elsewhere (a staging view's) is sent by ourselves.
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`)) return undefined;
    return location + inside.split(sep).map(encodeURIComponent).join('/');
  };
}
