// For operators: what waits, for whom, and what the next hop said last.

import { h, fill } from '../lib/dom.js';
import { at, get, post } from '../lib/api.js';
import { card, empty, pageHead, table } from '../lib/parts.js';
import { number, shortNumber, someOf } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton, failure } from '../lib/form.js';
import { confirm } from '../lib/dialog.js';
import { link } from '../lib/router.js';
import { say } from '../lib/toast.js';

const REFRESH_MILLISECONDS = 5000;
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

/** @param {any[]} list */
function destinations(list) {
  return card(
    'Destinations',
    null,
    table(
      'Destinations',
      ['Destination', ['Messages', 'number'], 'Oldest', 'Next attempt', 'Last word of the next hop', 'Route'],
      list.map((d) => [
        h('a', { href: link('/queue', { destination: d.destination }) }, d.destination),
        `${number(d.messages)}${d.has_more_messages ? '+' : ''}`,
        time(d.oldest_at, 'relative', '–'),
        [
          time(d.next_attempt_at, 'relative', '–'),
          d.paused_until ? h('.soft.small', 'paused until ', time(d.paused_until)) : null,
        ],
        said(d.last_status),
        d.route || h('span.soft', '–'),
      ]),
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

/** @param {import('../lib/router.js').Visit} visit */
export default async function queuePage({ query }) {
  let destination = query.get('destination') || '';
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
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
  async function more() {
    const page = await get('/v1/queue/emails', { destination, limit: PAGE, after: next });
    rows.push(...page.data);
    next = page.has_more ? page.next : null;
    drawRows();
  }
  function drawRows() {
    const list = table(
      'Waiting messages',
      ['From', 'To', 'Account', 'Accepted', 'Next attempt', ['Attempts', 'number'], 'Last word', ['', 'right']],
      rows.map((row) => [
        h('code', row.from || '<>'),
        someOf(row.to, 2),
        h('a', { href: link(`/accounts/${row.account_id}`) }, row.account_id),
        time(row.created_at),
        time(row.next_attempt_at, 'relative', '–'),
        number(row.attempts),
        said(row.last_status),
        h(
          '.actions',
          actionButton('Retry', () => act(row, 'retry'), { kind: 'small' }),
          actionButton('Cancel', () => act(row, 'cancel'), { kind: 'small quiet' }),
        ),
      ]),
    );
    const body = rows.length ? list : h('.card-body', h('p.soft', 'Nothing waits for it any more.'));
    const all = h('a', { href: '#/queue' }, 'All destinations');
    fill(waiting, card(`Waiting for ${destination}`, all, body, next ? h('.pager', actionButton('Show more', more)) : null));
  }
  async function draw(always = false) {
    try {
      const [queue, hops, page] = await Promise.all([
        get('/v1/queue', { limit: 100 }),
        get('/v1/destinations'),
        destination ? get('/v1/queue/emails', { destination, limit: PAGE }) : null,
      ]);
      const isUsed = top.contains(document.activeElement) || waiting.contains(document.activeElement);
      if (isUsed && !always) return;
      fill(
        top,
        figures(queue),
        queue.data.length
          ? destinations(queue.data)
          : h('.card', empty('check', 'Nothing waits', h('p', 'Every accepted message is settled.'))),
        nextHops(hops.data, () => draw(true)),
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
    element: h('div', pageHead({ title: 'Queue', sub: 'What waits on this installation, of all accounts.' }), waiting, top),
    title: 'Queue',
    change: (/** @type {URLSearchParams} */ now) => {
      destination = now.get('destination') || '';
      draw(true);
    },
    leave: () => clearInterval(timer),
  };
}
