// Who is signed in. The session itself is a cookie that no script can read; this knows whose it is and asks again when it has
// ended.

import { h, fill } from './dom.js';
import { api, get, onSessionEnd } from './api.js';
import { openDialog } from './dialog.js';
import { field, form } from './form.js';
import { mark } from './icons.js';

/** @typedef {{user: any, api_key: any, account: {id: string, name: string, mode: string}, session?: any}} Me */

/** @type {Me | null} */
let current = null;
/** @type {Promise<boolean> | null} */
let asking = null;

/** @returns {Me} */
export function me() {
  if (!current) throw new Error('nobody is signed in');
  return current;
}

export function isOperator() {
  return Boolean(current?.user?.isAdmin);
}

/** True: somebody is signed in. */
export async function resume() {
  try {
    current = await api('GET', '/v1/auth/me', { anonymous: true });
    return true;
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) return false;
    throw error;
  }
}

/** @param {any} credentials */
async function open(credentials) {
  const before = current;
  current = await api('POST', '/v1/auth/session', { body: credentials, anonymous: true });
  if (!current?.account) await resume();
  // What is on the page belongs to somebody else.
  if (before && current && before.account.id !== current.account.id) location.reload();
}

/** Ends the session here and in the other tabs. */
export async function signOut() {
  try {
    await api('POST', '/v1/auth/logout', { body: {}, anonymous: true });
  } catch (error) {
    if (/** @type {any} */ (error).status !== 401) throw error;
  }
  new BroadcastChannel('postern-session').postMessage('over');
  location.assign('/');
}

/** Another tab signed out: what this one shows is not for whoever sits there now. */
export function followSignOut() {
  new BroadcastChannel('postern-session').addEventListener('message', () => location.assign('/'));
}

/**
 * The form itself, for the page and for the dialog.
 * @param {() => void} done
 * @param {{email?: string, signUp?: boolean}} options
 */
function signInForm(done, { email = '', signUp = true }) {
  const place = h('.sign-in-ways');
  /** @type {Record<string, () => void>} */
  const ways = { password, key, fresh };

  function password() {
    const address = field({
      label: 'E-mail',
      name: 'email',
      type: 'email',
      autocomplete: 'username',
      required: true,
      value: email,
    });
    const secret = field({
      label: 'Password',
      name: 'password',
      type: 'password',
      autocomplete: 'current-password',
      required: true,
    });
    show(
      form({
        action: 'Sign in',
        wide: true,
        fields: [address, secret],
        submit: async (values) => {
          await open({ email: values.email, password: values.password });
          done();
        },
      }),
      'password',
    );
    if (email) secret.input.focus();
  }
  function key() {
    const secret = field({
      label: 'API key',
      name: 'api_key',
      type: 'password',
      autocomplete: 'off',
      required: true,
      mono: true,
      hint: 'A key with full access. It is exchanged for a session and not kept in the browser.',
    });
    show(
      form({
        action: 'Sign in',
        wide: true,
        fields: [secret],
        submit: async (values) => {
          await open({ api_key: values.api_key.trim() });
          done();
        },
      }),
      'key',
    );
  }
  function fresh() {
    const address = field({ label: 'E-mail', name: 'email', type: 'email', autocomplete: 'username', required: true });
    const secret = field({
      label: 'Password',
      name: 'password',
      type: 'password',
      autocomplete: 'new-password',
      required: true,
      minlength: 10,
      hint: 'At least 10 characters.',
    });
    show(
      form({
        action: 'Create account',
        wide: true,
        fields: [address, secret],
        submit: async (values) => {
          const made = await api('POST', '/v1/auth/signup', { body: values, anonymous: true });
          await open(values);
          if (made.api_key) sessionStorage.setItem('postern.first-key', made.api_key);
          done();
        },
      }),
      'fresh',
    );
  }
  /**
   * @param {HTMLElement} shown
   * @param {string} way
   */
  function show(shown, way) {
    const others = Object.entries({
      password: 'with e-mail and password',
      key: 'with an API key',
      fresh: 'Create an account',
    }).filter(([name]) => name !== way && (signUp || name !== 'fresh'));
    fill(
      place,
      shown,
      h(
        '.other-ways',
        others.map(([name, words]) =>
          h('button.link', { type: 'button', on: { click: ways[name] } }, name === 'fresh' ? words : `Sign in ${words}`),
        ),
      ),
    );
    /** @type {HTMLElement | null} */ (place.querySelector('input'))?.focus();
  }
  password();
  return place;
}

/**
 * The page for those who are not signed in.
 * @param {Element} root
 */
export function signInPage(root) {
  return new Promise((/** @type {(value: void) => void} */ resolve) => {
    document.title = 'Sign in · Postern';
    fill(
      root,
      h(
        'main.sign-in',
        h(
          '.sign-in-card',
          h('.brand', mark(), h('h1', 'Postern')),
          h('p.soft', 'Sign in to see messages, keys and domains.'),
          signInForm(resolve, {}),
        ),
      ),
    );
    /** @type {HTMLElement | null} */ (root.querySelector('input'))?.focus();
  });
}

/** Over the page, when the session has ended in the middle of something. */
function signInOver() {
  asking ||= (async () => {
    if (!current) return false;
    const email = current.user?.email || '';
    let signedIn = false;
    const dialog = openDialog(
      { title: 'Your session has ended', kind: 'narrow', lasting: true },
      h('p.soft', 'Sign in again and what you were doing goes on. Nothing on the page behind is lost.'),
      signInForm(
        () => {
          signedIn = true;
          dialog.close();
        },
        { email, signUp: false },
      ),
    );
    await dialog.done;
    asking = null;
    return signedIn;
  })();
  return asking;
}

onSessionEnd(signInOver);

/** The account as it is now; its mode is shown everywhere. */
export async function account() {
  const now = await get('/v1/account');
  if (current) Object.assign(current.account, { mode: now.mode, name: now.name });
  return now;
}
