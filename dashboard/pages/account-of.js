// For operators: one account.

import { h } from '../lib/dom.js';
import { at, get, patch } from '../lib/api.js';
import { card, factList, notice, pageHead, state, table } from '../lib/parts.js';
import { limitWords, number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyable } from '../lib/copy.js';
import { actionButton, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { reload } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { auditTable } from '../lib/audit.js';
import { orderDialog, ordersCard } from '../lib/orders.js';
import { decide } from './accounts.js';

/** @param {any} quota */
const used = (quota) =>
  quota ? `${number(quota.used)}${quota.limit === null ? ', no limit' : ` of ${number(quota.limit)}`}` : null;

/** @param {any} limit */
const finite = (limit) => (typeof limit === 'number' ? String(limit) : '');

/** @param {import('../lib/router.js').Visit} visit */
export default async function accountOf({ params: [id] }) {
  const [account, given, log] = await Promise.all([
    get(at`/v1/accounts/${id}`),
    get('/v1/queue/orders'),
    get('/v1/audit', { account: id, limit: 50 }).catch(() => null),
  ]);
  const suspended = account.state === 'suspended';
  async function flipState() {
    const sure =
      suspended ||
      (await confirm({
        title: `Suspend ${account.name}?`,
        action: 'Suspend',
        cancel: 'Leave it',
        text: h('p', 'Its keys are refused from then on, over SMTP and HTTP. What was accepted waits until it goes on.'),
      }));
    if (!sure) return;
    await patch(at`/v1/accounts/${id}`, { state: suspended ? 'active' : 'suspended' });
    say(suspended ? 'Active again' : 'Suspended');
    reload();
  }
  const order = () => orderDialog({ account_id: id }, reload, { words: ['of ', h('strong', account.name)] });
  async function flipMode() {
    const mode = account.mode === 'sandbox' ? 'production' : 'sandbox';
    const sure = await confirm({
      title: `Move ${account.name} to ${mode}?`,
      action: `Move it to ${mode}`,
      danger: mode === 'sandbox',
      cancel: 'Leave it',
      text: h(
        'p',
        mode === 'production'
          ? 'Its live keys reach every address, whatever the conditions say.'
          : 'Its live keys reach only the whitelist from then on.',
      ),
    });
    if (!sure) return;
    await patch(at`/v1/accounts/${id}`, { mode });
    say('Changed');
    reload();
  }
  function plan() {
    const { plan: now } = account;
    const second = field({
      label: 'Messages a second',
      name: 'per_second',
      type: 'number',
      min: 1,
      value: finite(now.per_second),
      hint: 'Empty: without a limit.',
    });
    const day = field({
      label: 'Recipients a day',
      name: 'per_day',
      type: 'number',
      min: 1,
      value: finite(now.per_day),
      hint: 'Empty: without a limit.',
    });
    const month = field({
      label: 'Recipients a month',
      name: 'per_month',
      type: 'number',
      min: 1,
      value: finite(now.per_month),
      hint: 'Empty: without a limit.',
    });
    const dialog = openDialog(
      { title: `The plan of ${account.name}`, kind: 'narrow' },
      form({
        action: 'Save',
        cancel: () => dialog.close(),
        fields: [second, day, month],
        submit: async (values) => {
          const whole = (/** @type {string} */ text) => (text ? Number(text) : 'unlimited');
          await patch(at`/v1/accounts/${id}`, {
            plan: { per_second: whole(values.per_second), per_day: whole(values.per_day), per_month: whole(values.per_month) },
          });
          dialog.close();
          say('Changed');
          reload();
        },
      }),
    );
  }
  return {
    element: h(
      'div',
      pageHead({
        title: account.name,
        up: ['/accounts', 'Accounts'],
        badge: [state(account.mode), suspended ? state('suspended') : null],
        actions: [
          h('button', { type: 'button', on: { click: plan } }, 'Change the plan'),
          actionButton('Hold its mail', order),
          actionButton(account.mode === 'sandbox' ? 'Move to production' : 'Move to sandbox', flipMode),
          actionButton(suspended ? 'Let it go on' : 'Suspend', flipState, { kind: suspended ? 'primary' : 'danger' }),
        ],
      }),
      account.production_request
        ? notice(
            'info',
            h('p', h('strong', 'It asked for production access '), time(account.production_request.requested_at), '.'),
            account.production_request.use_case ? h('p', '“', account.production_request.use_case, '”') : null,
            h(
              '.actions',
              actionButton('Approve', () => decide(account, true), { kind: 'primary' }),
              actionButton('Decline', () => decide(account, false)),
            ),
          )
        : null,
      ordersCard(
        given.data.filter((/** @type {any} */ one) => one.account_id === account.id),
        reload,
      ),
      h(
        '.columns.even',
        card(
          'Facts',
          null,
          h(
            '.card-body',
            factList([
              ['Plan', account.plan.name],
              ['Rate', limitWords(account.plan.per_second, 'messages a second')],
              ['Today', used(account.quotas?.day)],
              ['This month', used(account.quotas?.month)],
              ['From domains', account.from_domains.join(', ') || 'none'],
              ['Created', time(account.created_at, 'exact')],
              ['Id', copyable(account.id, 'the id')],
            ]),
          ),
        ),
        account.members
          ? card(
              'People',
              null,
              account.members.length
                ? table(
                    'People of the account',
                    ['E-mail', 'Role', 'Since'],
                    account.members.map((/** @type {any} */ member) => [
                      member.email,
                      member.is_operator ? 'Operator' : 'Member',
                      time(member.created_at, 'day'),
                    ]),
                  )
                : h('.card-body', h('p.soft', 'Nobody signs in to it.')),
            )
          : null,
      ),
      log ? auditTable(log, { account: id }) : null,
    ),
    title: account.name,
  };
}
