// Sending and explaining go by a key's rules. Who signed in with a password says which of the account's keys acts; the key itself
// is nowhere in the browser.

import { all } from './api.js';
import { me } from './session.js';
import { field } from './form.js';
import { notice } from './parts.js';
import { h } from './dom.js';

/** @typedef {{element: HTMLElement | null, query: () => Record<string, string> | null}} KeyChoice query: null, there is no key */

/**
 * @param {string | null} [preferred] id of the key that is chosen where it can act
 * @param {(key: any) => boolean} [suits]
 * @returns {Promise<KeyChoice>}
 */
export async function chooseKey(preferred = null, suits = () => true) {
  if (me().api_key) return { element: null, query: () => ({}) };
  const keys = (await all('/v1/api-keys')).filter((key) => (key.state === 'active' || key.state === 'retiring') && suits(key));
  if (!keys.length)
    return {
      element: notice('info', h('p', 'This is a key’s work, and the account has none that could do it. ', h('a', { href: '#/keys' }, 'Make one'), '.')),
      query: () => null,
    };
  const choice = field({
    label: 'By the rules of',
    name: 'api_key_id',
    options: keys.map((key) => [key.id, `${key.name || key.key_prefix} (${key.environment})`]),
    value: keys.some((key) => key.id === preferred) ? preferred : keys[0].id,
  });
  return { element: choice.element, query: () => ({ api_key_id: choice.value() }) };
}
