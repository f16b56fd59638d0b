// One key: what it may, who uses it, and its end.

import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, at, get, patch, post, remove } from '../lib/api.js';
import { card, environmentTag, factList, notice, pageHead, state } from '../lib/parts.js';
import { number, words } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyable } from '../lib/copy.js';
import { field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { link, navigate, reload } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { isForgotten, policyFields, policyOf, showSecret } from './keys.js';

/** @type {[string, string][]} */
const OVERLAPS = [
  ['1h', 'One hour'],
  ['24h', 'A day'],
  ['7d', 'A week'],
  ['30d', '30 days'],
  ['0s', 'Ends at once'],
];

/** @param {any} key what will break, as far as it can be known */
function breakage(key) {
  return [
    h(
      'p',
      key.last_used_at
        ? [
            'It was last used ',
            time(key.last_used_at),
            key.last_used_from ? [' from ', h('code', key.last_used_from)] : null,
            key.last_used_client ? [' by ', h('code', key.last_used_client)] : null,
            '. Whatever has it is refused from then on:',
          ]
        : 'It was never used. Whatever has it is refused from then on:',
    ),
    h(
      'ul.plain',
      h('li', 'SMTP: ', h('code', '535 5.7.8'), ', over HTTP: ', h('code', '401 revoked_key')),
      h('li', 'Messages that were accepted are still delivered.'),
    ),
  ];
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function keyPage({ params: [id] }) {
  const [key, domains, stats] = await Promise.all([
    get(at`/v1/api-keys/${id}`),
    all('/v1/domains').catch(() => []),
    get('/v1/stats', { period: 'month' }).catch(() => null),
  ]);
  const count = (stats?.keys || []).find((/** @type {any} */ k) => k.api_key_id === id);
  const works = key.state === 'active' || key.state === 'retiring';
  const successor = key.successor ? await get(at`/v1/api-keys/${key.successor}`).catch(() => null) : null;

  async function revoke() {
    const sure = await confirm({
      title: `Revoke “${key.name}”?`,
      action: 'Revoke the key',
      text: [
        ...breakage(key),
        h('p', h('strong', 'It cannot be taken back.'), ' To change keys without a gap, rotate it instead.'),
      ],
    });
    if (!sure) return;
    await remove(at`/v1/api-keys/${id}`);
    say('The key is revoked');
    reload();
  }
  async function forget() {
    const sure = await confirm({
      title: `Delete “${key.name}”?`,
      action: 'Delete the key',
      text: [...(works ? breakage(key) : []), h('p', 'It is not listed any more. Its messages stay.')],
    });
    if (!sure) return;
    await remove(at`/v1/api-keys/${id}`, { purge: true });
    say('The key is deleted');
    navigate('#/keys');
  }
  function rotate() {
    const overlap = field({
      label: 'The old key works on for',
      name: 'overlap',
      options: OVERLAPS,
      value: '24h',
      hint: 'Time to put the new one everywhere. This page says who still uses the old one.',
    });
    const dialog = openDialog(
      { title: `Rotate “${key.name}”`, kind: 'narrow' },
      form({
        action: 'Make the successor',
        cancel: () => dialog.close(),
        fields: [h('p.soft', 'A new key with the same name and the same limits. Nothing else changes.'), overlap],
        submit: async ({ overlap: span }) => {
          const made = await post(at`/v1/api-keys/${id}/rotate`, { overlap: span });
          dialog.close();
          await showSecret(
            made,
            'The new key',
            h('p.soft', span === '0s' ? 'The old one is refused from now on.' : 'The old one works on until its time is over.'),
          );
          navigate(link(`/keys/${made.id}`));
        },
      }),
    );
  }
  function edit() {
    const policy = policyFields(key, domains);
    const name = field({ label: 'Name', name: 'name', value: key.name, maxlength: 64 });
    const expires = field({
      label: 'Expires',
      name: 'expires_at',
      type: 'date',
      value: key.expires_at ? key.expires_at.slice(0, 10) : '',
      hint: 'A day (UTC). Empty: never.',
    });
    const dialog = openDialog(
      { title: `Change “${key.name}”` },
      form({
        action: 'Save',
        cancel: () => dialog.close(),
        fields: [name, policy.permission, policy.from, policy.networks, policy.rate, expires],
        submit: async (values) => {
          await patch(at`/v1/api-keys/${id}`, {
            name: values.name,
            ...policyOf(values),
            per_second: values.per_second ? Number(values.per_second) : null,
            expires_at: values.expires_at || null,
          });
          dialog.close();
          say('Saved');
          reload();
        },
      }),
    );
  }

  const refused = key.last_refused;
  return {
    element: h(
      'div',
      pageHead({
        title: key.name || '(no name)',
        up: ['/keys', 'API keys'],
        badge: [state(key.state), environmentTag(key.environment)],
        actions: [
          works ? h('button', { type: 'button', on: { click: edit } }, 'Change') : null,
          works ? h('button', { type: 'button', on: { click: rotate } }, icon('refresh'), 'Rotate') : null,
          works
            ? h('button.danger', { type: 'button', on: { click: revoke } }, 'Revoke')
            : h('button.danger', { type: 'button', on: { click: forget } }, 'Delete'),
        ],
      }),
      key.state === 'retiring'
        ? notice(
            'warn',
            h(
              'p',
              'It ends ',
              time(key.retires_at),
              '. ',
              successor
                ? [
                    'Its successor is ',
                    h('a', { href: link(`/keys/${successor.id}`) }, `${successor.name} (${successor.key_prefix}…)`),
                    '. ',
                  ]
                : null,
              key.last_used_at
                ? [
                    'The old key was last used ',
                    time(key.last_used_at),
                    key.last_used_from ? [' from ', h('code', key.last_used_from)] : null,
                    '.',
                  ]
                : 'Nobody has used the old key.',
            ),
          )
        : null,
      isForgotten(key)
        ? notice(
            'warn',
            h('p', 'Nobody has used it for 30 days. If nothing needs it, revoke it: a key that does not exist cannot leak.'),
          )
        : null,
      refused
        ? notice(
            works ? 'warn' : 'info',
            h(
              'p',
              'Somebody who has it was refused ',
              time(refused.at),
              ': ',
              h('code', refused.reason),
              ', from ',
              h('code', refused.from),
              refused.client ? [' (', refused.client, ')'] : null,
              '.',
            ),
            refused.reason === 'revoked_key' || refused.reason === 'expired_key'
              ? h('p', 'That client needs the new key.')
              : null,
          )
        : null,
      h(
        '.columns.even',
        card(
          'What it may',
          null,
          h(
            '.card-body',
            factList([
              ['Permission', key.permission === 'full_access' ? 'Full access: send, read, manage' : 'Send only'],
              ['From domains', key.from_domains.length ? key.from_domains.join(', ') : 'all of the account’s'],
              ['Networks', key.networks.length ? h('code', key.networks.join(', ')) : 'everywhere'],
              ['Rate', key.per_second ? `${number(key.per_second)} messages a second` : 'the plan’s'],
              ['Expires', time(key.expires_at, 'exact')],
              ['Begins with', copyable(key.key_prefix, 'the beginning of the key')],
              ['Id', copyable(key.id, 'the id')],
            ]),
          ),
        ),
        card(
          'Its use',
          null,
          h(
            '.card-body',
            factList([
              ['Created', time(key.created_at, 'exact')],
              ['Last used', time(key.last_used_at, 'relative')],
              ['From', key.last_used_from ? h('code', key.last_used_from) : null],
              ['Client', key.last_used_client || null],
              ['Revoked', key.revoked_at ? time(key.revoked_at, 'exact') : null],
              ['Accepted, 30 days', count ? number(count.accepted) : stats ? '0' : null],
              ['Refused, 30 days', count ? number(count.refused) : stats ? '0' : null],
              ['Last refusal', refused ? [words(refused.reason), ' ', time(refused.at)] : null],
            ]),
            h(
              'p',
              h('a', { href: link('/messages', { key: id }) }, 'Its messages'),
              ' · ',
              h('a', { href: link('/refusals', { key: id }) }, 'Its refusals'),
            ),
          ),
        ),
      ),
    ),
    title: key.name || 'Key',
  };
}
