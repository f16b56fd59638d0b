// Account, people, sessions, and who changed what.

import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, api, at, get, patch, post, remove, Problem } from '../lib/api.js';
import { card, factList, pageHead, segments, state, table } from '../lib/parts.js';
import { limitWords } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyable } from '../lib/copy.js';
import { actionButton, field, form, listOf } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { account as freshAccount, isOperator, me } from '../lib/session.js';
import { reload } from '../lib/router.js';
import { setSingleKeys, singleKeys } from '../lib/shortcuts.js';
import { setTheme, theme } from '../lib/theme.js';
import { say } from '../lib/toast.js';
import { auditTable } from '../lib/audit.js';

/**
 * Where this version of the server has no such thing.
 * @param {Promise<any>} promise
 */
function orNull(promise) {
  return promise.catch((error) => {
    if (error instanceof Problem && [403, 404, 405].includes(error.status)) return null;
    throw error;
  });
}

/**
 * A browser's name for itself, in two words.
 * @param {string} client
 */
function browserOf(client) {
  const engine = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(client || '');
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(client || '');
  if (!engine) return (client || 'unknown').slice(0, 60);
  return `${{ Edg: 'Edge', OPR: 'Opera' }[engine[1]] || engine[1]} ${engine[2]}${system ? ` on ${system[1].replace('Mac OS X', 'macOS')}` : ''}`;
}

function changePassword() {
  const email = h('input.hidden-words', {
    type: 'email',
    value: me().user.email,
    autocomplete: 'username',
    tabindex: '-1',
    'aria-hidden': 'true',
    readonly: true,
  });
  const old = field({
    label: 'The password now',
    name: 'current_password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  });
  const fresh = field({
    label: 'The new one',
    name: 'new_password',
    type: 'password',
    autocomplete: 'new-password',
    required: true,
    minlength: 10,
    hint: 'At least 10 characters.',
  });
  const dialog = openDialog(
    { title: 'Change the password', kind: 'narrow' },
    form({
      action: 'Change',
      cancel: () => dialog.close(),
      fields: [h('p.soft', 'Every other session of yours ends.'), email, old, fresh],
      submit: async (values) => {
        try {
          await api('POST', '/v1/auth/password', { body: values, anonymous: true });
        } catch (error) {
          if (error instanceof Problem && error.status === 401) {
            old.wrong('That is not the password.');
            old.input.focus();
            return;
          }
          throw error;
        }
        dialog.close();
        say('The password is changed');
        reload();
      },
    }),
  );
}

function addMember() {
  const email = field({ label: 'E-mail', name: 'email', type: 'email', required: true });
  const password = field({
    label: 'First password',
    name: 'password',
    type: 'password',
    required: true,
    minlength: 10,
    autocomplete: 'new-password',
    hint: 'At least 10 characters; tell it to them by a safe way. They can change it.',
  });
  const dialog = openDialog(
    { title: 'Add somebody', kind: 'narrow' },
    form({
      action: 'Add',
      cancel: () => dialog.close(),
      fields: [h('p.soft', 'They see and change all that belongs to this account.'), email, password],
      submit: async (values) => {
        await post('/v1/members', values);
        dialog.close();
        say('Added');
        reload();
      },
    }),
  );
}

/** @param {any[]} list */
function members(list) {
  /** @param {any} member */
  async function drop(member) {
    const sure = await confirm({
      title: `Remove ${member.email}?`,
      action: 'Remove',
      text: h('p', 'Their sessions end at once. Keys they made stay.'),
    });
    if (!sure) return;
    await remove(at`/v1/members/${member.id}`);
    say('Removed');
    reload();
  }
  return card(
    'People',
    h('button', { type: 'button', on: { click: addMember } }, icon('plus'), 'Add somebody'),
    table(
      'People of this account',
      ['E-mail', 'Role', 'Since', ['', 'right']],
      list.map((member) => [
        member.email,
        member.is_operator ? 'Operator' : 'Member',
        time(member.created_at, 'day'),
        member.id === me().user?.id
          ? h('span.soft', 'you')
          : actionButton('Remove', () => drop(member), { kind: 'small quiet', title: `Remove ${member.email}` }),
      ]),
    ),
  );
}

/** @param {any[]} list */
function sessions(list) {
  return card(
    'Sessions',
    me().user ? h('button', { type: 'button', on: { click: changePassword } }, 'Change the password') : null,
    table(
      'Sessions',
      ['Browser', 'From', 'Since', 'Until', ['', 'right']],
      list.map((session) => [
        browserOf(session.client),
        h('code', session.peer),
        time(session.created_at),
        time(session.expires_at),
        session.current
          ? h('span.soft', 'this one')
          : actionButton(
              'End',
              async () => {
                await remove(at`/v1/auth/sessions/${session.id}`);
                say('Ended');
                reload();
              },
              { kind: 'small quiet', title: `End the session from ${session.peer}` },
            ),
      ]),
    ),
  );
}

/** @param {any} account */
function settings(account) {
  const suppress = field({
    label: 'Suppress addresses that bounce for good or complain',
    name: 'auto',
    type: 'checkbox',
    checked: account.auto_suppression,
    hint: 'So that they are not tried again.',
  });
  const days = field({
    label: 'For how many days',
    name: 'days',
    type: 'number',
    min: 1,
    value: account.suppression_days ?? '',
    hint: 'Empty: for good.',
  });
  const domains = field({
    label: 'From domains',
    name: 'from_domains',
    mono: true,
    value: account.from_domains.join(', '),
    hint: 'What From fields may have; a leading dot: every name below. Of the account’s, and verified domains.',
  });
  const dialog = openDialog(
    { title: 'Change the account' },
    form({
      action: 'Save',
      cancel: () => dialog.close(),
      fields: [domains, suppress, days],
      submit: async (values) => {
        const wanted = listOf(values.from_domains);
        const changed = wanted.join() !== account.from_domains.join();
        await patch('/v1/account', {
          ...(changed ? { from_domains: wanted } : {}),
          auto_suppression: values.auto,
          suppression_days: values.days ? Number(values.days) : null,
        });
        dialog.close();
        say('Saved');
        reload();
      },
    }),
  );
}

function looks() {
  const keys = h('input', {
    type: 'checkbox',
    id: 'single-keys',
    checked: singleKeys(),
    on: { change: () => setSingleKeys(keys.checked) },
  });
  return card(
    'This browser',
    null,
    h(
      '.card-body',
      h(
        '.looks',
        h('span', 'Colours'),
        segments(
          'Colours',
          [
            ['system', 'System'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ],
          theme(),
          (id) => setTheme(id),
        ),
      ),
      h(
        '.field.check',
        keys,
        h(
          'div',
          h('label', { for: 'single-keys' }, 'Single letters are shortcuts'),
          h('p.hint', 'Off: only Ctrl-K and Esc do something, for speech input for example.'),
        ),
      ),
    ),
  );
}

export default async function accountPage() {
  const [account, people, open, log] = await Promise.all([
    freshAccount(),
    orNull(all('/v1/members')),
    orNull(all('/v1/auth/sessions')),
    orNull(get('/v1/audit', { limit: 50 })),
  ]);
  const { user, api_key: key } = me();
  return {
    element: h(
      'div',
      pageHead({
        title: 'Account',
        badge: state(account.mode),
        actions: h('button', { type: 'button', on: { click: () => settings(account) } }, 'Change'),
      }),
      h(
        '.columns.even',
        card(
          account.name,
          null,
          h(
            '.card-body',
            factList([
              ['Mode', state(account.mode)],
              ['State', state(account.state)],
              ['Plan', account.plan.name],
              ['Rate', limitWords(account.plan.per_second, 'messages a second')],
              ['From domains', account.from_domains.join(', ') || 'none'],
              [
                'Suppression',
                account.auto_suppression
                  ? account.suppression_days
                    ? `by itself, for ${account.suppression_days} days`
                    : 'by itself, for good'
                  : 'by hand only',
              ],
              ['Created', time(account.created_at, 'exact')],
              ['Id', copyable(account.id, 'the id')],
              ['Signed in as', user ? [user.email, isOperator() ? ' (operator)' : ''] : `the key ${key?.name || ''}`],
              user && !user.email_verified
                ? [
                    'Your address',
                    actionButton(
                      'Send me the code again',
                      async () => {
                        await post('/v1/auth/verification');
                        say('A code is on its way');
                      },
                      { kind: 'small' },
                    ),
                  ]
                : ['', null],
            ]),
          ),
        ),
        looks(),
      ),
      people ? members(people) : null,
      open ? sessions(open) : null,
      log ? auditTable(log, {}) : null,
    ),
    title: 'Account',
  };
}
