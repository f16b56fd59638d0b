// What was done, said once and read aloud.

import { h } from './dom.js';

const SECONDS = 5;
const MOST = 3;
/** @type {HTMLElement | null} */
let region = null;

function place() {
  region ||= h('.toasts', { role: 'status', 'aria-live': 'polite' });
  // A modal dialog hides everything outside it, from screen readers too.
  const home = [...document.querySelectorAll('dialog[open]')].pop() || document.body;
  if (region && region.parentNode !== home) home.append(region);
  return /** @type {HTMLElement} */ (region);
}

/**
 * @param {string} text
 * @param {'good' | 'bad' | 'plain'} [kind]
 */
export function say(text, kind = 'good') {
  const toast = h(`.toast.${kind}`, text);
  const home = place();
  while (home.children.length >= MOST) home.firstElementChild?.remove();
  home.append(toast);
  setTimeout(() => toast.remove(), SECONDS * 1000);
}
