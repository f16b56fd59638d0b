// Usage: what was sent by day and key, and how much of the quota is left.

import { h } from '../lib/dom.js';
import { all, get } from '../lib/api.js';
import { card, factList, pageHead, table } from '../lib/parts.js';
import { columnPlot } from '../lib/plot.js';
import { csv, limitWords, number } from '../lib/format.js';
import { download } from '../lib/copy.js';
import { actionButton } from '../lib/form.js';
import { link, navigate } from '../lib/router.js';

const DAY = 86_400_000;

/** @param {Date} date */
const dayOf = (date) => date.toISOString().slice(0, 10);

/** @param {any} quota */
function quotaFigure(quota) {
  return quota.limit === null
    ? `${number(quota.used)}, without a limit`
    : [
        `${number(quota.used)} of ${number(quota.limit)}`,
        h('meter', {
          min: 0,
          max: quota.limit,
          low: quota.limit * 0.8,
          high: quota.limit * 0.95,
          optimum: 0,
          value: Math.min(quota.used, quota.limit),
          'aria-label': 'Used',
        }),
      ];
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function usagePage({ query }) {
  const to = query.get('to') || dayOf(new Date());
  const from = query.get('from') || dayOf(new Date(Date.now() - 29 * DAY));
  const [usage, account, keys] = await Promise.all([get('/v1/usage', { from, to }), get('/v1/account'), all('/v1/api-keys')]);
  const names = new Map(keys.map((key) => [key.id, key.name || key.key_prefix]));
  /** @type {Map<string, {messages: number, recipients: number}>} */
  const days = new Map();
  for (let at = new Date(`${from}T00:00:00Z`); dayOf(at) <= to; at = new Date(at.getTime() + DAY))
    days.set(dayOf(at), { messages: 0, recipients: 0 });
  for (const row of usage.data) {
    const known = days.get(row.day);
    if (!known) continue;
    known.messages += row.messages;
    known.recipients += row.recipients;
  }
  const begin = h('input', {
    type: 'date',
    value: from,
    'aria-label': 'First day',
    on: { change: () => navigate(link('/usage', { from: begin.value, to: end.value })) },
  });
  const end = h('input', {
    type: 'date',
    value: to,
    'aria-label': 'Last day',
    on: { change: () => navigate(link('/usage', { from: begin.value, to: end.value })) },
  });
  const formatted = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const columns = [...days].map(([day, values]) => ({
    at: new Date(`${day}T00:00:00Z`),
    words: `${day} (UTC)`,
    short: formatted.format(new Date(`${day}T00:00:00Z`)),
    values: { accepted: values.recipients },
    href: link('/messages', {
      since: `${day}T00:00:00Z`,
      until: `${dayOf(new Date(new Date(`${day}T00:00:00Z`).getTime() + DAY))}T00:00:00Z`,
    }),
  }));
  /** @type {Map<string, {messages: number, recipients: number}>} */
  const byKey = new Map();
  for (const row of usage.data) {
    const known = byKey.get(row.api_key_id) || { messages: 0, recipients: 0 };
    byKey.set(row.api_key_id, { messages: known.messages + row.messages, recipients: known.recipients + row.recipients });
  }
  function save() {
    download(
      `usage-${from}-${to}.csv`,
      csv([
        ['day', 'api_key_id', 'api_key', 'messages', 'recipients'],
        ...usage.data.map((/** @type {any} */ row) => [
          row.day,
          row.api_key_id,
          names.get(row.api_key_id) || '',
          row.messages,
          row.recipients,
        ]),
      ]),
    );
    return Promise.resolve();
  }
  const { plan } = account;
  return {
    element: h(
      'div',
      pageHead({
        title: 'Usage',
        sub: 'What was sent, by day (UTC) and key. Only live mail counts against the quotas.',
        actions: [h('.dates', begin, '–', end), actionButton('Export CSV', save, { icon: 'down' })],
      }),
      h(
        '.columns.aside',
        card(
          `${number(usage.messages)} messages to ${number(usage.recipients)} recipients`,
          null,
          h('.card-body', columnPlot({ label: 'Recipients by day', series: [{ id: 'accepted', words: 'Recipients' }], columns })),
        ),
        card(
          `Plan: ${plan.name}`,
          null,
          h(
            '.card-body',
            factList([
              ['Today', quotaFigure(usage.quotas.day)],
              ['This month', quotaFigure(usage.quotas.month)],
              ['Rate', limitWords(plan.per_second, 'messages a second')],
            ]),
          ),
        ),
      ),
      byKey.size
        ? card(
            'By key',
            null,
            table(
              'Usage by key',
              ['Key', ['Messages', 'number'], ['Recipients', 'number']],
              [...byKey]
                .sort((a, b) => b[1].recipients - a[1].recipients)
                .map(([id, values]) => [
                  h('a', { href: link(`/keys/${id}`) }, names.get(id) || h('code', id)),
                  number(values.messages),
                  number(values.recipients),
                ]),
            ),
          )
        : null,
    ),
    title: 'Usage',
  };
}
