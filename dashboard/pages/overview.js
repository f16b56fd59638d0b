// What was sent, and what became of it.

import { h, fill } from '../lib/dom.js';
import { get } from '../lib/api.js';
import { card, empty, pageHead, segments, state } from '../lib/parts.js';
import { barList, columnPlot, legend } from '../lib/plot.js';
import { duration, number, share, shortNumber, words } from '../lib/format.js';
import { link, navigate } from '../lib/router.js';
import { time } from '../lib/time.js';
import { onEvent } from '../lib/live.js';
import { failure } from '../lib/form.js';

const REFRESH_MILLISECONDS = 6000; // the figures are up to five seconds old
/** @type {import('../lib/plot.js').Series[]} */
const SERIES = [
  { id: 'delivered', words: 'Delivered' },
  { id: 'deferred', words: 'Deferred' },
  { id: 'bounced', words: 'Bounced' },
  { id: 'refused', words: 'Refused' },
];
/** @type {Record<string, string>} the messages behind a figure */
const BEHIND = {
  accepted: '',
  delivered: 'delivered',
  deferred: 'delivery_delayed',
  bounced: 'bounced',
  suppressed: 'suppressed',
  complained: 'complained',
};

/**
 * @param {any} stats
 * @param {string} environment
 */
function figures(stats, environment) {
  const { totals } = stats;
  const done = totals.delivered + totals.bounced;
  /** @type {[string, string, string][]} */
  const shown = [
    ['accepted', 'Accepted', 'messages taken'],
    ['delivered', 'Delivered', done ? `${share(totals.delivered, done)} of what was settled` : 'recipients'],
    ['deferred', 'Deferred', 'attempts put off'],
    ['bounced', 'Bounced', done ? `${share(totals.bounced, done)} of what was settled` : 'recipients'],
    ['refused', 'Refused', 'not taken in'],
  ];
  return h(
    '.figures',
    shown.map(([id, name, note]) => {
      const inside = [
        h('span.name', h(`i.swatch.${id}`), name),
        h('span.value', shortNumber(totals[id] || 0)),
        h('span.note', note),
      ];
      const behind =
        id === 'refused'
          ? link('/refusals', { environment, since: stats.from })
          : link('/messages', { status: BEHIND[id], environment, since: stats.from });
      return h('a.figure', { href: behind }, inside);
    }),
    h(
      '.figure',
      h('span.name', 'Delivery time'),
      h('span.value', stats.delivery.count ? duration(stats.delivery.p50_ms) : '–'),
      h('span.note', stats.delivery.count ? `median; 95 % within ${duration(stats.delivery.p95_ms)}` : 'nothing delivered yet'),
    ),
  );
}

/** @type {Record<string, string>} */
const TITLES = { day: 'The last 24 hours, by hour', week: 'The last 7 days, by hour', month: 'The last 30 days, by day' };

/**
 * Milliseconds of a column.
 * @param {any} stats
 */
const sizeOf = (stats) => (stats.interval === 'hour' ? 3_600_000 : 86_400_000);

/** @param {Date} date */
const second = (date) => date.toISOString().replace('.000Z', 'Z');

/**
 * The messages of that time.
 * @param {string} environment
 * @param {Date} from
 * @param {Date} until
 */
const span = (environment, from, until) => link('/messages', { environment, since: second(from), until: second(until) });

/**
 * @param {any} stats
 * @param {string} environment
 */
function columnsOf(stats, environment) {
  const hours = stats.interval === 'hour';
  const long = new Intl.DateTimeFormat(
    undefined,
    hours
      ? { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
      : { weekday: 'short', day: 'numeric', month: 'short' },
  );
  const short = new Intl.DateTimeFormat(
    undefined,
    stats.period === 'day'
      ? { hour: '2-digit', minute: '2-digit' }
      : stats.period === 'week'
        ? { weekday: 'short', day: 'numeric' }
        : { day: 'numeric', month: 'short' },
  );
  return stats.buckets.map((/** @type {any} */ bucket) => {
    const at = new Date(bucket.at);
    return {
      at,
      words: long.format(at),
      short: short.format(at),
      values: bucket,
      href: span(environment, at, new Date(at.getTime() + sizeOf(stats))),
      hrefs: { refused: link('/refusals', { environment, since: second(at), until: second(new Date(at.getTime() + sizeOf(stats))) }) },
    };
  });
}

/**
 * @param {any} quota
 * @param {string} name
 */
function quotaLine(quota, name) {
  if (!quota) return null;
  return h(
    'div',
    h('dt', name),
    h(
      'dd',
      quota.limit === null ? `${number(quota.used)}, no limit` : `${number(quota.used)} of ${number(quota.limit)}`,
      quota.limit
        ? h(
            'div',
            h('meter', {
              min: 0,
              max: quota.limit,
              high: quota.limit * 0.8,
              low: quota.limit * 0.8,
              optimum: 0,
              value: Math.min(quota.used, quota.limit),
              'aria-label': `${name}: used`,
            }),
          )
        : null,
    ),
  );
}

/**
 * What the plan lets through a second, and how often that was not enough.
 * @param {any} account
 * @param {any} stats
 * @param {string} environment
 */
function rateLine(account, stats, environment) {
  if (!account) return null;
  const most = account.plan.per_second;
  const over = stats?.refusals.find((/** @type {any} */ one) => one.token === 'rate_limited')?.count || 0;
  return h(
    'div',
    h('dt', 'Rate'),
    h(
      'dd',
      typeof most === 'number' ? `${number(most)} messages a second` : 'no limit',
      over
        ? [
            h('span.soft', ' – '),
            h('a', { href: link('/refusals', { token: 'rate_limited', environment, since: stats.from }) }, `${number(over)} above it`),
          ]
        : null,
    ),
  );
}

/** @param {any[]} rows */
function latest(rows) {
  return rows.length
    ? h(
        'ul.recipients',
        rows.map((row) =>
          h(
            'li',
            h(
              '.line',
              h('a.one-line', { href: link(`/messages/${row.id}`) }, row.subject || '(no subject)'),
              state(row.last_event),
            ),
            h('p.soft.small.one-line', time(row.created_at), ' · ', row.to[0] || ''),
          ),
        ),
      )
    : h('p.soft', 'Nothing was sent yet.');
}

/**
 * @param {any} stats
 * @param {any[]} keys
 * @param {string} environment
 */
function breakdowns(stats, keys, environment) {
  const names = new Map(keys.map((key) => [key.id, key.name || key.key_prefix]));
  return h(
    '.columns.even',
    card(
      'By key',
      null,
      h(
        '.card-body',
        stats.keys.length
          ? barList(
              'Accepted messages by key',
              stats.keys.map((/** @type {any} */ k) => ({
                series: 'accepted',
                value: k.accepted,
                name: k.api_key_id
                  ? h('a', { href: link(`/keys/${k.api_key_id}`) }, names.get(k.api_key_id) || k.api_key_id)
                  : 'all others',
              })),
            )
          : h('p.soft', 'No key was used.'),
      ),
    ),
    card(
      'By domain of the recipients',
      null,
      h(
        '.card-body',
        stats.domains.length
          ? barList(
              'Accepted by domain of the recipients',
              stats.domains.map((/** @type {any} */ d) => ({
                series: 'accepted',
                value: d.accepted,
                name: [d.domain || 'all others', d.bounced ? h('span.soft', ` ${number(d.bounced)} bounced`) : null],
              })),
            )
          : h('p.soft', 'No recipient yet.'),
      ),
    ),
    card(
      'Refusals',
      null,
      h(
        '.card-body',
        stats.refusals.length
          ? barList(
              'Refusals by reason',
              stats.refusals.map((/** @type {any} */ r) => ({
                series: 'refused',
                value: r.count,
                name: r.token
                  ? h('a', { href: link('/refusals', { token: r.token, environment, since: stats.from }), title: words(r.token) }, h('code', r.token))
                  : 'all others',
              })),
            )
          : h('p.soft', 'Nothing was refused.'),
      ),
    ),
    card(
      'Delivery time',
      null,
      h(
        '.card-body',
        stats.delivery.count
          ? barList(
              'Deliveries by time',
              stats.delivery.histogram.map((/** @type {any} */ b, /** @type {number} */ i) => ({
                series: 'delivered',
                value: b.count,
                name:
                  b.up_to_ms === null
                    ? `over ${duration(stats.delivery.histogram[i - 1]?.up_to_ms || 0)}`
                    : `up to ${duration(b.up_to_ms)}`,
              })),
            )
          : h('p.soft', 'Nothing was delivered yet.'),
      ),
    ),
  );
}

/**
 * A server that keeps no statistics.
 * @param {any} error
 */
function ifMissing(error) {
  if (error.status === 404) return null;
  throw error;
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function overview({ query }) {
  let period = query.get('period') || 'day';
  let environment = query.get('environment') || '';
  /** @type {any[]} */
  let keys = [];
  const top = h('div');
  const plot = h('div');
  const below = h('div');
  const recent = h('.card-body');
  const quota = h('dl.facts');
  const latestCard = card('Latest', h('a', { href: '#/messages' }, 'All'), recent);
  const quotaCard = card('Quota', h('a', { href: '#/usage' }, 'Usage'), h('.card-body', quota));

  /** @param {Record<string, string>} changes */
  function set(changes) {
    navigate(
      link(
        '/',
        Object.fromEntries(
          Object.entries({ period, environment, ...changes }).filter(
            ([name, value]) => value && !(name === 'period' && value === 'day'),
          ),
        ),
      ),
    );
  }
  function welcome() {
    fill(
      top,
      h(
        '.card',
        empty(
          'start',
          'Nothing was sent yet',
          h('p', 'A key, five lines to copy, and the first message is here within a minute.'),
          h('.actions', h('a.button.primary', { href: '#/start' }, 'First steps')),
        ),
      ),
    );
    fill(plot);
    fill(below);
  }
  /** @param {any} stats */
  function plotCard(stats) {
    return card(
      TITLES[period],
      legend(SERIES),
      h(
        '.card-body',
        columnPlot({
          label: 'Outcomes over time',
          series: SERIES,
          columns: columnsOf(stats, environment),
          onZoom: (from, to) => navigate(span(environment, from.at, new Date(to.at.getTime() + sizeOf(stats)))),
        }),
      ),
    );
  }
  /** @param {boolean} [always] also under somebody who is on the plot or reads its table */
  async function draw(always = false) {
    try {
      const [stats, usage, account, page] = await Promise.all([
        get('/v1/stats', { period, environment }).catch(ifMissing),
        get('/v1/usage').catch(() => null),
        get('/v1/account').catch(() => null),
        get('/v1/emails', { limit: 6, environment }),
      ]);
      const isEmpty = !environment && !page.data.length && !stats?.totals.accepted && !stats?.totals.refused;
      latestCard.hidden = quotaCard.hidden = isEmpty;
      if (isEmpty) {
        welcome();
        return;
      }
      fill(top, stats ? figures(stats, environment) : null);
      if (!stats) fill(plot);
      else if (always || !(plot.contains(document.activeElement) || plot.querySelector('details')?.open))
        fill(plot, plotCard(stats));
      fill(below, stats ? breakdowns(stats, keys, environment) : null);
      fill(recent, latest(page.data));
      fill(quota, usage
          ? [
              quotaLine(usage.quotas.day, 'Today'),
              quotaLine(usage.quotas.month, 'This month'),
              rateLine(account, stats, environment),
            ]
          : null);
    } catch (error) {
      fill(
        top,
        failure(error, () => draw(true)),
      );
    }
  }
  await Promise.all([
    draw(true),
    get('/v1/api-keys', { limit: 200 }).then(
      (page) => {
        keys = page.data;
      },
      () => {},
    ),
  ]);
  if (keys.length) draw();
  /** @type {any} */
  let timer = 0;
  const stop = onEvent(() => {
    timer ||= setTimeout(() => {
      timer = 0;
      if (!document.hidden) draw();
    }, REFRESH_MILLISECONDS);
  });
  const element = h(
    'div',
    pageHead({
      title: 'Overview',
      actions: [
        segments(
          'Environment',
          [
            ['', 'All'],
            ['live', 'Live'],
            ['test', 'Test'],
          ],
          environment,
          (id) => set({ environment: id }),
        ),
        segments(
          'Period',
          [
            ['day', 'Day'],
            ['week', 'Week'],
            ['month', 'Month'],
          ],
          period,
          (id) => set({ period: id }),
        ),
      ],
    }),
    top,
    h('.columns.aside', h('div', plot, below), h('div', latestCard, quotaCard)),
  );
  return {
    element,
    title: 'Overview',
    change: (/** @type {URLSearchParams} */ now) => {
      period = now.get('period') || 'day';
      environment = now.get('environment') || '';
      draw(true);
    },
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
