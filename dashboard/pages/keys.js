// API keys: made, shown once, watched, rotated, revoked.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, get, post } from '../lib/api.js';
import { card, empty, environmentTag, notice, pageHead, state, table } from '../lib/parts.js';
import { number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { codeBlock, copyButton } from '../lib/copy.js';
import { field, form, listOf } from '../lib/form.js';
import { openDialog } from '../lib/dialog.js';
import { link, reload } from '../lib/router.js';

const UNUSED_DAYS = 30;
const DAY = 86_400_000;
/** @type {[string, string][]} */
const EXPIRIES = [
  ['', 'Never'],
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'A year'],
];

/**
 * Active, and nobody has used it for a month.
 * @param {any} key
 */
export function isForgotten(key) {
  return key.state === 'active' && Date.now() - new Date(key.last_used_at || key.created_at).getTime() > UNUSED_DAYS * DAY;
}

/**
 * The key itself: only here, only now.
 * @param {any} key
 * @param {string} title
 * @param {any} [more]
 */
export function showSecret(key, title, more = null) {
  const saved = h('input', {
    type: 'checkbox',
    id: 'key-saved',
    on: {
      change: () => {
        close.disabled = !saved.checked;
      },
    },
  });
  const close = h('button.primary', { type: 'button', disabled: true, on: { click: () => dialog.close() } }, 'Done');
  const dialog = openDialog(
    { title, lasting: true },
    h(
      '.dialog-body',
      notice('warn', h('p', h('strong', 'Copy it now. '), 'It is stored as a digest only, and is never shown again.')),
      h('.secret', { id: 'new-key' }, key.token),
      h('.actions', copyButton(key.token, { what: 'the key', label: 'Copy the key' })),
      h('p.soft', 'As a password of SMTP, with any user name, or as Bearer token over HTTP:'),
      codeBlock(`export POSTERN_KEY=${key.token}`, 'a line for the shell'),
      more,
      h('.field.check', saved, h('label', { for: 'key-saved' }, 'I have put it in a safe place')),
    ),
    h('footer', close),
  );
  /** @type {HTMLElement | null} */ (dialog.element.querySelector('.actions button'))?.focus();
  return dialog.done;
}

/**
 * @param {any} key may be partial
 * @param {any[]} domains
 */
export function policyFields(key, domains) {
  const names = domains.map((d) => d.name);
  return {
    permission: field({
      label: 'Permission',
      name: 'permission',
      value: key.permission || 'sending_access',
      options: [
        ['sending_access', 'Send only'],
        ['full_access', 'Full access: send, read, manage'],
      ],
    }),
    from: field({
      label: 'From domains',
      name: 'from_domains',
      value: (key.from_domains || []).join(', '),
      mono: true,
      hint: names.length ? `Empty: all of the account’s. For example ${names[0]}` : 'Empty: all of the account’s.',
    }),
    networks: field({
      label: 'Networks',
      name: 'networks',
      value: (key.networks || []).join(', '),
      mono: true,
      placeholder: '192.0.2.0/24, 2001:db8::/32',
      hint: 'Where it may be used from. Empty: everywhere.',
    }),
    rate: field({
      label: 'Messages a second',
      name: 'per_second',
      type: 'number',
      min: 1,
      inputmode: 'numeric',
      value: key.per_second ?? '',
      hint: 'Empty: the plan’s rate.',
    }),
  };
}

/** @param {Record<string, any>} values */
export function policyOf(values) {
  return {
    permission: values.permission,
    from_domains: listOf(values.from_domains),
    networks: listOf(values.networks),
    ...(values.per_second ? { per_second: Number(values.per_second) } : {}),
  };
}

/**
 * @param {any[]} domains
 * @param {Record<string, any>} [preset]
 */
export function createKeyDialog(domains, preset = {}) {
  const policy = policyFields(preset, domains);
  const name = field({
    label: 'Name',
    name: 'name',
    required: true,
    maxlength: 64,
    placeholder: 'web shop',
    hint: 'What uses it, so that you know it again.',
  });
  const environment = field({
    label: 'Environment',
    name: 'environment',
    value: preset.environment || 'test',
    options: [
      ['test', 'Test: reaches nobody'],
      ['live', 'Live: relays'],
    ],
  });
  const expiry = field({ label: 'Expires after', name: 'expires', options: EXPIRIES });
  return new Promise((resolve) => {
    const dialog = openDialog(
      { title: 'New API key' },
      form({
        action: 'Create key',
        cancel: () => dialog.close(),
        fields: [
          name,
          h('.fields.two', environment.element, policy.permission.element),
          h(
            'details',
            h('summary', 'Limits: domains, networks, rate, expiry'),
            policy.from.element,
            policy.networks.element,
            h('.fields.two', policy.rate.element, expiry.element),
          ),
        ],
        also: [environment, expiry, ...Object.values(policy)],
        submit: async (values) => {
          const made = await post('/v1/api-keys', {
            name: values.name,
            environment: values.environment,
            ...policyOf(values),
            ...(values.expires ? { expires_in_days: Number(values.expires) } : {}),
          });
          resolve(made);
          dialog.close();
        },
      }),
    );
    dialog.done.then(() => resolve(null));
  });
}

/** @param {any} key */
export function lastUse(key) {
  const where = [key.last_used_from, key.last_used_client].filter(Boolean).join(' · ');
  return h(
    'div',
    time(key.last_used_at, 'relative', 'never used'),
    where ? h('.soft.small', where) : null,
    isForgotten(key) ? h('.state.warn', icon('warn'), `Unused for ${UNUSED_DAYS} days: still needed?`) : null,
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function keysPage({ query }) {
  const [keys, domains, stats] = await Promise.all([
    all('/v1/api-keys'),
    all('/v1/domains').catch(() => []),
    get('/v1/stats', { period: 'month' }).catch(() => null),
  ]);
  let shown = query.get('show') === 'all';
  const counts = new Map((stats?.keys || []).map((/** @type {any} */ k) => [k.api_key_id, k]));
  const place = h('div');

  async function create() {
    const made = await createKeyDialog(domains);
    if (!made) return;
    await showSecret(made, `The key “${made.name}”`);
    reload();
  }
  function draw() {
    const visible = keys.filter((key) => shown || key.state === 'active' || key.state === 'retiring');
    const hidden = keys.length - visible.length;
    const toggle = keys.some((key) => key.state === 'revoked' || key.state === 'expired')
      ? h(
          'button.quiet.small',
          {
            type: 'button',
            on: {
              click: () => {
                shown = !shown;
                draw();
              },
            },
          },
          shown ? 'Hide revoked and expired' : `Show ${hidden} revoked or expired`,
        )
      : null;
    fill(
      place,
      !keys.length
        ? h(
            '.card',
            empty(
              'keys',
              'No key yet',
              h(
                'p',
                'A key is the password of SMTP and the token of the API. Begin with a test key: it goes the whole way and reaches nobody.',
              ),
              h('.actions', h('button.primary', { type: 'button', on: { click: create } }, icon('plus'), 'Create a key')),
            ),
          )
        : card(
            `${number(visible.length)} of ${number(keys.length)}`,
            toggle,
            table(
              'API keys',
              ['Name', 'State', 'Key', 'Permission', 'Last used', ['30 days', 'number']],
              visible.map((key) => [
                h('a', { href: link(`/keys/${key.id}`) }, key.name || '(no name)'),
                [
                  state(key.state),
                  key.state === 'retiring'
                    ? h('.soft.small', 'ends ', time(key.retires_at))
                    : key.expires_at && key.state === 'active'
                      ? h('.soft.small', 'expires ', time(key.expires_at))
                      : null,
                ],
                [h('code', `${key.key_prefix}…`), ' ', environmentTag(key.environment)],
                key.permission === 'full_access' ? 'Full access' : 'Send only',
                lastUse(key),
                counts.has(key.id)
                  ? h('a', { href: link('/messages', { key: key.id }) }, number(counts.get(key.id).accepted))
                  : h('span.soft', '–'),
              ]),
            ),
          ),
    );
  }
  draw();
  return {
    element: h(
      'div',
      pageHead({
        title: 'API keys',
        sub: 'The password of SMTP, with any user name, and the Bearer token of the API.',
        actions: h('button.primary', { type: 'button', on: { click: create } }, icon('plus'), 'Create a key'),
      }),
      place,
    ),
    title: 'API keys',
    keys: [
      {
        keys: 'n',
        says: 'New key',
        run: () => {
          create();
        },
      },
    ],
  };
}
