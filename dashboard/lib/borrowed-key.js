// Sending and explaining are a key's work. Who signed in with a password lends one: it is kept in this tab's memory only.

import { h } from './dom.js';
import { me } from './session.js';
import { field, form } from './form.js';
import { openDialog } from './dialog.js';

let borrowed = '';

/** A key that this tab knows, or nothing. */
export function knownKey() {
  return borrowed;
}

/** @param {string} key */
export function lend(key) {
  borrowed = key;
}

/** @param {string} key @returns {Record<string, string>} */
function bearer(key) {
  return { Authorization: `Bearer ${key}` };
}

/**
 * The header fields of a request that a key has to make; null: the person would rather not.
 * @param {string} what it is for
 * @returns {Promise<Record<string, string> | null>}
 */
export async function keyHeaders(what) {
  if (me().api_key) return {};
  if (borrowed) return bearer(borrowed);
  const key = field({
    label: 'API key',
    name: 'key',
    type: 'password',
    required: true,
    mono: true,
    autocomplete: 'off',
    hint: 'A test key will do. It stays in this tab’s memory and is forgotten with it.',
  });
  const dialog = openDialog(
    { title: 'With which key?', kind: 'narrow' },
    form({
      action: 'Go on',
      cancel: () => dialog.close(),
      fields: [h('p.soft', what), key],
      submit: async (values) => {
        borrowed = values.key.trim();
        dialog.close(true);
      },
    }),
  );
  return (await dialog.done) ? bearer(borrowed) : null;
}

/** One that was refused is not offered again. */
export function forgetKey() {
  borrowed = '';
}
