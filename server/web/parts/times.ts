/** Times, durations and sizes. Times are absolute: a page that is kept for later must not lie. */

import { html, type Html } from '../html.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `22 Nov 2026 07:03`; to the second where `precise`. */
export function time(iso: string, precise = false): Html {
  const at = new Date(iso);
  const date = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()}`;
  const clock = at.toISOString().slice(11, precise ? 19 : 16);
  return html`<time datetime="${iso}" title="${iso}">${date} ${clock}</time>`;
}

/** `0.4 s`, `12 s`, `3 m 12 s`, `1 h 4 m`, `3 d 2 h`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return pair(Math.floor(whole / 60), 'm', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 48 * 60) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm');
  const hours = Math.round(whole / 3_600);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Seconds between two times; `null` while one is missing. */
export function secondsBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `812 B`, `11.8 MiB`. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `60,000`, `1 job`, `2 jobs`. */
export function count(value: number, noun?: string, plural?: string): string {
  const figure = value.toLocaleString('en-GB');
  return noun === undefined ? figure : `${figure} ${value === 1 ? noun : (plural ?? `${noun}s`)}`;
}
