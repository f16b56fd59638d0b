// For operators: all accounts, and who asked for production access.

import { h } from '../lib/dom.js';
import { at, all, get, post } from '../lib/api.js';
import { card, empty, pageHead, state, table } from '../lib/parts.js';
import { counted } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton } from '../lib/form.js';
import { confirm } from '../lib/dialog.js';
import { link, reload } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { auditTable } from '../lib/audit.js';

/**
 * @param {any} account
 * @param {boolean} approve
 */
export async function decide(account, approve) {
  const sure = await confirm({
    title: approve ? `Let ${account.name} into production?` : `Decline the request of ${account.name}?`,
    action: approve ? 'Approve' : 'Decline',
    danger: !approve,
    cancel: 'Not now',
    text: [
      account.production_request?.use_case ? h('p', '“', account.production_request.use_case, '”') : null,
      h(
        'p.soft',
        approve ? 'Its live keys then reach every address, within its plan.' : 'It stays in the sandbox and may ask again.',
      ),
    ],
  });
  if (!sure) return;
  await post(at`/v1/accounts/${account.id}/production-access`, { approve });
  say(approve ? 'Approved' : 'Declined');
  reload();
}

export default async function accounts() {
  const [list, log] = await Promise.all([
    all('/v1/accounts', { limit: 100 }),
    get('/v1/audit', { account: 'all', limit: 50 }).catch(() => null),
  ]);
  const asking = list.filter((account) => account.production_request);
  return {
    element: h(
      'div',
      pageHead({ title: 'Accounts', sub: 'All accounts of this installation.' }),
      asking.length
        ? card(
            `${counted(asking.length, 'request')} for production access`,
            null,
            h(
              'ul',
              asking.map((account) =>
                h(
                  'li.record',
                  h(
                    '.record-head',
                    h('h3', h('a', { href: link(`/accounts/${account.id}`) }, account.name)),
                    h('span.soft.small', 'asked ', time(account.production_request.requested_at)),
                    h(
                      '.actions.push',
                      actionButton('Decline', () => decide(account, false)),
                      actionButton('Approve', () => decide(account, true), { kind: 'primary' }),
                    ),
                  ),
                  h('p', account.production_request.use_case || h('span.soft', 'No use case was given.')),
                ),
              ),
            ),
          )
        : null,
      list.length
        ? card(
            counted(list.length, 'account'),
            null,
            table(
              'Accounts',
              ['Name', 'Mode', 'State', 'Plan', 'Created'],
              list.map((account) => [
                h('a', { href: link(`/accounts/${account.id}`) }, account.name),
                state(account.mode),
                state(account.state),
                account.plan.name,
                time(account.created_at, 'day'),
              ]),
            ),
          )
        : h('.card', empty('accounts', 'No account yet', h('p', h('code', 'postern account create NAME'), ' makes one.'))),
      log ? auditTable(log, { account: 'all' }) : null,
    ),
    title: 'Accounts',
  };
}
