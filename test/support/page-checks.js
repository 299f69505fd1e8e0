/** What is measured inside a page: this file is sent into the browser as text, as JavaScript that imports nothing. */

/** Elements that reach beyond the right edge of the screen, other than inside what scrolls by itself. */
export function overflow() {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return Array.from(document.querySelectorAll('body *'))
    .filter(
      (element) =>
        element.getBoundingClientRect().right > root.clientWidth + 0.5 && element.closest('.scroll') === null,
    )
    .map(
      (element) =>
        `${element.tagName}.${element.className}: ${(element.textContent ?? '').trim().slice(0, 60)}`,
    );
}

/** Levels of the headings in the order of the page. */
export function headingLevels() {
  return Array.from(document.querySelectorAll('h1, h2, h3, h4, h5, h6'), (heading) =>
    Number(heading.tagName.slice(1)),
  );
}

function parse(colour) {
  return (colour.match(/[\d.]+/g) ?? []).map(Number);
}

/** Relative luminance (WCAG 2.2). */
function luminance([red = 0, green = 0, blue = 0]) {
  const linear = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function backgroundOf(element) {
  for (let at = element; at !== null; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
}

/** Text whose contrast with its background is below 4.5 (WCAG 2.2, 1.4.3), each colour pair once. */
export function contrastFaults() {
  const faults = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = (node.textContent ?? '').trim();
    if (element === null || text === '') continue;
    const front = parse(getComputedStyle(element).color);
    const back = backgroundOf(element);
    const pair = `${front.join(',')} on ${back.join(',')}`;
    if (faults.has(pair)) continue;
    const [light = 0, dark = 0] = [luminance(front), luminance(back)].toSorted((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) faults.set(pair, `${pair} is ${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return [...faults.values()];
}

/** Links without words, fields without labels, ids given twice, tables without heads. */
export function labelFaults() {
  const faults = [];
  for (const link of document.querySelectorAll('a'))
    if ((link.textContent ?? '').trim() === '' && !link.hasAttribute('aria-label'))
      faults.push(`link ${link.href} has no words`);
  for (const field of document.querySelectorAll('input:not([type=hidden]), select'))
    if (field.closest('label') === null)
      faults.push(`field ${field.getAttribute('name') ?? ''} has no label`);
  const ids = Array.from(document.querySelectorAll('[id]'), (element) => element.id);
  for (const [index, id] of ids.entries())
    if (ids.indexOf(id) !== index) faults.push(`id ${id} is given twice`);
  for (const table of document.querySelectorAll('table'))
    if (table.querySelector('th[scope]') === null) faults.push('a table has no heads');
  if (document.documentElement.lang === '') faults.push('the page does not say its language');
  return faults;
}
