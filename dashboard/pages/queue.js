// For operators: what waits, for whom, and what the next hop said last.

import { h, fill } from '../lib/dom.js';
import { at, get, post } from '../lib/api.js';
import { card, empty, pageHead, state, table } from '../lib/parts.js';
import { counted, duration, number, shortNumber, someOf } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton, failure } from '../lib/form.js';
import { confirm } from '../lib/dialog.js';
import { link } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { endOrder, holdsDomain, orderDialog, ordersCard } from '../lib/orders.js';

const REFRESH_MILLISECONDS = 5000;
const OBEYED_MILLISECONDS = 1200; // the queue looks at orders once a second
const PAGE = 50;

/** @param {string | null} words */
const said = (words) => (words ? h('code', words) : h('span.soft', '–'));

/** @param {any} queue */
function figures(queue) {
  const oldest = queue.data
    .map((/** @type {any} */ d) => d.oldest_at)
    .filter(Boolean)
    .sort()[0];
  const paused = queue.data.filter((/** @type {any} */ d) => d.paused_until).length;
  return h(
    '.figures',
    h('.figure', h('span.name', 'Waiting'), h('span.value', shortNumber(queue.messages)), h('span.note', 'messages')),
    h('.figure', h('span.name', 'Oldest'), h('span.value', time(oldest, 'relative', '–')), h('span.note', 'accepted')),
    h(
      '.figure',
      h('span.name', 'Destinations'),
      h('span.value', number(queue.data.length)),
      h('span.note', queue.has_more ? 'and more' : 'with mail'),
    ),
    h(
      '.figure',
      h('span.name', 'Paused'),
      h('span.value', number(paused)),
      h('span.note', 'destinations, tried again by themselves'),
    ),
  );
}

/** @param {number[]} bounds minutes */
function ageHeads(bounds) {
  const said = bounds.map((minutes) => duration(minutes * 60_000));
  return [`under ${said[0]}`, ...said.slice(1).map((one) => `under ${one}`), `over ${said[said.length - 1]}`];
}

/** @param {any} summary */
function byAge(summary) {
  if (!summary?.messages) return null;
  const heads = ageHeads(summary.age_bounds_minutes);
  /** @param {any} d */
  const row = (d) => [
    d.destination ? h('a', { href: link('/queue', { destination: d.destination }) }, laneOf(d.destination).words) : h('strong', 'All'),
    ...d.by_age.map((/** @type {number} */ count) => (count ? number(count) : h('span.soft', '–'))),
    number(d.messages),
  ];
  return card(
    'By age',
    null,
    table('Waiting by age', ['Destination', ...heads.map((one) => [one, 'number']), ['All', 'number']], [summary, ...summary.data].map(row)),
    summary.is_whole ? null : h('.card-body', h('p.soft', 'More waits than was counted.')),
  );
}

/**
 * A lane of the queue: a domain, one that was moved to another route, or test mail, which is under no orders: that of all runs, or of
 * one with a clock of its own.
 * @param {string} destination
 */
export function laneOf(destination) {
  const moved = /^>([^>]*)>(.*)$/.exec(destination);
  if (moved) return { domain: moved[2], words: [moved[2], h('.soft.small', 'moved to ', moved[1])] };
  const run = /^<run>([^:]*):/.exec(destination);
  if (run) return { domain: '', words: ['test run', h('.soft.small', 'of ', run[1])] };
  return destination === '<test>' ? { domain: '', words: 'test mail' } : { domain: destination, words: destination };
}

/**
 * @param {any} d
 * @param {any[]} orders
 */
const holding = (d, orders) => {
  const { domain } = laneOf(d.destination);
  return domain ? orders.find((order) => holdsDomain(order, domain, d.route)) : null;
};

/** @param {string | null} at */
const due = (at) => (at && new Date(at).getTime() < Date.now() ? 'due' : time(at, 'relative', '–'));

/**
 * @param {any} d
 * @param {any} hold
 */
function nextAttempt(d, hold) {
  if (hold) return [state('delivery_delayed', 'Held'), h('.soft.small', 'until ', time(hold.expires_at))];
  if (d.paused_until) return [state('delivery_delayed', 'Paused'), h('.soft.small', time(d.paused_until))];
  return due(d.next_attempt_at);
}

/**
 * @param {any} d
 * @param {any} hold
 * @param {() => Promise<void>} redraw
 */
function steer(d, hold, redraw) {
  const { domain } = laneOf(d.destination);
  if (!domain) return null;
  const release = async () => {
    await endOrder(hold.id);
    await redraw();
  };
  const give = () => orderDialog({ domain }, redraw, { from: d.route });
  // A hold of more than this domain ends in the list above, where it says what else it holds.
  if (hold?.domain === domain && !hold.route)
    return actionButton('Release', release, { kind: 'small', title: `Release ${domain}` });
  return actionButton('Hold or move', give, { kind: 'small', title: `Hold, move or bounce what waits for ${domain}` });
}

/**
 * @param {any[]} list
 * @param {any[]} orders
 * @param {() => Promise<void>} redraw
 */
function destinations(list, orders, redraw) {
  return card(
    'Destinations',
    null,
    table(
      'Destinations',
      ['Destination', ['Messages', 'number'], 'Oldest', 'Next attempt', 'Last word of the next hop', 'Route', ['', 'right']],
      list.map((d) => {
        const hold = holding(d, orders);
        return [
          h('a', { href: link('/queue', { destination: d.destination }) }, laneOf(d.destination).words),
          `${number(d.messages)}${d.has_more_messages ? '+' : ''}`,
          time(d.oldest_at, 'relative', '–'),
          nextAttempt(d, hold),
          said(d.last_status),
          (laneOf(d.destination).domain && d.route) || h('span.soft', '–'),
          steer(d, hold, redraw),
        ];
      }),
    ),
  );
}

/**
 * @param {any[]} hops
 * @param {() => Promise<void>} redraw
 */
function nextHops(hops, redraw) {
  const paused = hops.filter((hop) => hop.paused_until);
  if (!hops.length) return null;
  const retry = actionButton(
    'Try all now',
    async () => {
      await post('/v1/destinations/retry');
      say('All are tried now');
      await redraw();
    },
    { icon: 'refresh' },
  );
  return card(
    'Next hops',
    paused.length ? retry : null,
    table(
      'Next hops',
      ['Route', 'Host', 'Paused since', 'Tried again', 'Last word'],
      hops.map((hop) => [
        hop.name,
        hop.host ? h('code', `${hop.host}:${hop.port}`) : h('span.soft', 'the domain’s mail hosts'),
        time(hop.paused_since, 'relative', 'not paused'),
        time(hop.paused_until, 'relative', '–'),
        said(hop.last_status),
      ]),
    ),
  );
}

/** @param {any} all */
function nodes(all) {
  if (!all?.data.length) return null;
  return card(
    'Machines of the cluster',
    h('span.soft.small', `version ${number(all.latest)} of the shared directory`),
    table(
      'Machines of the cluster',
      ['Machine', 'State', ['Behind', 'number'], 'Last heard of'],
      all.data.map((/** @type {any} */ node) => [
        [node.name, node.is_this_one ? h('span.soft', ' – this one') : null],
        node.is_silent
          ? state('failed', 'Not heard of')
          : node.behind
            ? state('pending', 'Catching up')
            : state('active', 'Up to date'),
        node.behind ? counted(node.behind, 'change') : h('span.soft', '–'),
        node.is_this_one ? h('span.soft', 'it answers') : `${duration(node.silent_for_ms)} ago`,
      ]),
    ),
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function queuePage({ query }) {
  let destination = query.get('destination') || '';
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
  /** @type {any[]} */
  let orders = [];
  const top = h('div');
  const waiting = h('div');

  /**
   * @param {any} row
   * @param {'retry' | 'cancel'} what
   */
  async function act(row, what) {
    const sure =
      what === 'retry' ||
      (await confirm({
        title: 'Cancel this message?',
        action: 'Cancel the message',
        text: h('p', 'It is not sent to those who still wait for it. This cannot be taken back.'),
      }));
    if (!sure) return;
    await post(at`/v1/queue/emails/${row.id}` + `/${what}`);
    say(what === 'retry' ? 'It is tried now' : 'Cancelled');
    await draw(true);
  }
  async function obeyed() {
    await draw(true);
    setTimeout(() => draw(true), OBEYED_MILLISECONDS);
  }
  /** @param {any} row */
  const holdOf = (row) => orders.find((order) => order.action === 'hold' && order.email_id === row.id);
  /** @param {any} row */
  const isHeld = (row) => holdOf(row) || holding({ destination, route: null }, orders);
  /** @param {any} row */
  function steerMessage(row) {
    if (!laneOf(destination).domain) return null;
    const hold = holdOf(row);
    if (hold) {
      const release = async () => {
        await endOrder(hold.id);
        await obeyed();
      };
      return actionButton('Release', release, { kind: 'small', title: `Release ${row.id}` });
    }
    const give = () => orderDialog({ email_id: row.id }, obeyed, { words: ['one message, ', h('code', row.id)] });
    return actionButton('Hold or move', give, { kind: 'small', title: `Hold, move or bounce ${row.id}` });
  }
  const order = () => orderDialog({}, obeyed);
  async function more() {
    const page = await get('/v1/queue/emails', { destination, limit: PAGE, after: next });
    rows.push(...page.data);
    next = page.has_more ? page.next : null;
    drawRows();
  }
  function drawRows() {
    const list = table(
      'Waiting messages',
      ['To', 'From', 'Accepted', 'Next attempt', 'Last word', ['', 'right']],
      rows.map((row) => [
        someOf(row.to, 2),
        [row.from || '<>', h('.small', h('a', { href: link(`/accounts/${row.account_id}`) }, row.account_id))],
        time(row.created_at),
        [
          isHeld(row) ? state('delivery_delayed', 'Held') : due(row.next_attempt_at),
          h('.soft.small', counted(row.attempts, 'attempt')),
        ],
        said(row.last_status),
        h(
          '.actions',
          actionButton('Retry', () => act(row, 'retry'), { kind: 'small', title: `Try ${row.id} now` }),
          steerMessage(row),
          actionButton('Cancel', () => act(row, 'cancel'), { kind: 'small quiet', title: `Cancel ${row.id}` }),
        ),
      ]),
    );
    const body = rows.length ? list : h('.card-body', h('p.soft', 'Nothing waits for it any more.'));
    const all = h('a', { href: '#/queue' }, 'All destinations');
    fill(waiting, card(`Waiting for ${laneOf(destination).domain || 'test mail'}`, all, body, next ? h('.pager', actionButton('Show more', more)) : null));
  }
  async function draw(always = false) {
    try {
      const [queue, summary, hops, given, machines, page] = await Promise.all([
        get('/v1/queue', { limit: 100 }),
        get('/v1/queue/summary', { limit: 20 }),
        get('/v1/destinations'),
        get('/v1/queue/orders'),
        get('/v1/nodes').catch(() => null),
        destination ? get('/v1/queue/emails', { destination, limit: PAGE }) : null,
      ]);
      const isUsed = top.contains(document.activeElement) || waiting.contains(document.activeElement);
      if (isUsed && !always) return;
      orders = given.data;
      fill(
        top,
        figures(queue),
        ordersCard(orders, obeyed),
        queue.data.length
          ? destinations(queue.data, orders, obeyed)
          : h('.card', empty('check', 'Nothing waits', h('p', 'Every accepted message is settled.'))),
        byAge(summary),
        nextHops(hops.data, () => draw(true)),
        nodes(machines),
      );
      rows = page ? page.data : [];
      next = page?.has_more ? page.next : null;
      if (page) drawRows();
      else fill(waiting);
    } catch (error) {
      fill(
        top,
        failure(error, () => draw(true)),
      );
    }
  }
  await draw(true);
  const timer = setInterval(() => {
    if (!document.hidden && !document.querySelector('dialog[open]')) draw();
  }, REFRESH_MILLISECONDS);
  return {
    element: h(
      'div',
      pageHead({
        title: 'Queue',
        sub: 'What waits on this installation, of all accounts.',
        actions: actionButton('Give an order', order, { icon: 'plus' }),
      }),
      waiting,
      top,
    ),
    title: 'Queue',
    keys: [{ keys: 'n', says: 'An order on what waits', run: () => void order() }],
    change: (/** @type {URLSearchParams} */ now) => {
      destination = now.get('destination') || '';
      draw(true);
    },
    leave: () => clearInterval(timer),
  };
}
