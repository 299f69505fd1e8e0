/** A real Chromium without script, as a person's that trusts nobody. */

import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a Chromium is; `undefined` where there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const place of PLACES)
    if (
      await access(place).then(
        () => true,
        () => false,
      )
    )
      return place;
  return undefined;
}

export interface TestBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** Starts with an empty profile, and looks up no host of its own accord. */
export async function openBrowser(executablePath: string): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'nixwarp-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    javaScriptEnabled: false,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Runs one of the functions of `page-checks.js` inside the page. */
export async function measure<T = string>(
  page: Page,
  check: 'overflow' | 'headingLevels' | 'contrastFaults' | 'labelFaults',
): Promise<T[]> {
  const source = await readFile(join(import.meta.dirname, 'page-checks.js'), 'utf8');
  return page.evaluate<T[]>(`(() => { ${source.replaceAll(/^export /gm, '')}; return ${check}(); })()`);
}
