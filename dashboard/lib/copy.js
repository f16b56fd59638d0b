// Copying, with a word that it was done.

import { h, fill } from './dom.js';
import { icon } from './icons.js';
import { say } from './toast.js';

/** @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure origin there is no clipboard of its own: by selection, as it always was.
    const area = h('textarea.offscreen', { value: text, 'aria-hidden': 'true', tabindex: '-1', readonly: true });
    const place = document.querySelector('dialog[open]:last-of-type') || document.body;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    place.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return done;
  }
}

/**
 * @param {string | (() => string)} text
 * @param {{label?: string, what?: string, quiet?: boolean}} options what: "the key", for those who hear it
 */
export function copyButton(text, { label = 'Copy', what = '', quiet = false }) {
  const words = h('span', { class: quiet ? 'hidden-words' : '' }, label);
  const picture = h('span.copy-icon', icon('copy'));
  const name = what && !label.endsWith(what) ? `${label} ${what}` : label;
  const button = h(
    quiet ? 'button.quiet.icon-only' : 'button.copy',
    { type: 'button', title: quiet ? name : null, 'aria-label': name === label ? null : name, on: { click: copy } },
    picture,
    words,
  );
  /** @param {Event} event */
  async function copy(event) {
    event.preventDefault();
    event.stopPropagation();
    const done = await copyText(typeof text === 'function' ? text() : text);
    if (!done) return say('The browser lets nothing be copied here: select the text by hand.', 'bad');
    fill(picture, icon('check'));
    button.classList.add('done');
    say(what ? `Copied ${what}` : 'Copied');
    setTimeout(() => {
      fill(picture, icon('copy'));
      button.classList.remove('done');
    }, 1600);
  }
  return button;
}

/**
 * A short value with its copy button behind it.
 * @param {string} text
 * @param {string} [what]
 */
export function copyable(text, what = '') {
  return h('span.copyable', h('code', text), copyButton(text, { what, quiet: true }));
}

/**
 * Lines to copy as a block.
 * @param {string | (() => string)} text
 * @param {string} [what]
 */
export function codeBlock(text, what = 'the lines') {
  const code = h('code', typeof text === 'function' ? text() : text);
  return h(
    '.code-block',
    h('pre', { tabindex: '0', role: 'region', 'aria-label': what }, code),
    copyButton(text, { what, label: 'Copy' }),
  );
}

/**
 * Offers text as a file.
 * @param {string} name
 * @param {string} text
 * @param {string} [type]
 */
export function download(name, text, type = 'text/csv') {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
