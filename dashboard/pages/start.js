// First steps: a key, lines to copy, and what arrives, on one page.

import { h, fill } from '../lib/dom.js';
import { all, api, get, post } from '../lib/api.js';
import { environmentTag, notice, pageHead, state } from '../lib/parts.js';
import { time } from '../lib/time.js';
import { codeBlock, copyButton } from '../lib/copy.js';
import { actionButton, field } from '../lib/form.js';
import { onEvent } from '../lib/live.js';
import { link, here, rewrite } from '../lib/router.js';
import { tabs } from '../lib/parts.js';
import { chooseKey } from '../lib/acting-key.js';
import { SNIPPETS } from '../lib/snippets.js';

const MOST = 8;
/** @type {Record<string, string>} */
const WAYS = { starttls: 'STARTTLS', implicit: 'TLS from the first byte', none: 'without encryption, on this machine only' };

/**
 * Where a key can be used, as the server is configured; what is easiest first.
 * @param {any} account
 * @returns {{host: string, port: number, tls: any}[]}
 */
function placesOf(account) {
  const order = ['none', 'starttls', 'implicit'];
  return account.smtp
    .filter((/** @type {any} */ place) => place.tls !== 'none' || place.auth_without_tls)
    .sort((/** @type {any} */ a, /** @type {any} */ b) => order.indexOf(a.tls) - order.indexOf(b.tls));
}

/**
 * @param {string} title
 * @param {any[]} content
 */
function step(title, ...content) {
  return h('section.card.step', h('header.card-head', h('h2', title)), h('.card-body', content));
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function start({ query }) {
  const [keys, account] = await Promise.all([all('/v1/api-keys'), get('/v1/account')]);
  let key = sessionStorage.getItem('postern.first-key') || '';
  sessionStorage.removeItem('postern.first-key');
  const places = placesOf(account);
  let place = places[0] || { host: location.hostname, port: 587, tls: 'starttls' };
  const domain = account.from_domains[0]?.replace(/^\./, '') || 'example.org';
  let chosen = query.get('with') || 'curl';

  // 1. The key
  const keyPlace = h('.stack');
  const active = keys.filter((one) => one.state === 'active');
  async function make() {
    const made = await post('/v1/api-keys', { name: 'first steps', environment: 'test', permission: 'sending_access' });
    key = made.token;
    drawKey();
    drawLines();
  }
  function drawKey() {
    steps.key.classList.toggle('done', Boolean(key || active.length));
    const create = actionButton(active.length ? 'Make another test key' : 'Make a test key', make, {
      icon: 'plus',
      kind: active.length ? '' : 'primary',
    });
    fill(
      keyPlace,
      key
        ? [
            notice(
              'warn',
              h('p', h('strong', 'Copy it now: '), 'it is stored as a digest only, and gone when you leave this page.'),
            ),
            h('.secret', { id: 'first-key' }, key),
            h('.actions', copyButton(key, { what: 'the key', label: 'Copy the key' })),
          ]
        : [
            h(
              'p',
              active.length
                ? [
                    `The account has ${active.length === 1 ? 'a key' : `${active.length} keys`}. The lines below read it from `,
                    h('code', 'POSTERN_KEY'),
                    ' in the environment; a new one is filled in for you.',
                  ]
                : 'A test key goes the whole way and reaches nobody: you can send to any address without fear. With a live key the same lines send for real.',
            ),
            h('.actions', create),
          ],
    );
  }

  // 2. The lines
  const lines = h('div');
  const where = field({
    label: 'Where',
    name: 'where',
    options: places.map((one, i) => [String(i), `${one.host}:${one.port}, ${WAYS[one.tls]}`]),
  });
  where.input.addEventListener('change', () => {
    place = places[Number(where.value())];
    drawLines();
  });
  function drawLines() {
    const filled = {
      ...place,
      key,
      from: `you@${domain}`,
      to: 'someone@example.net',
      origin: location.origin,
    };
    fill(
      lines,
      tabs(
        'Ways to send',
        SNIPPETS.map((snippet) => ({
          id: snippet.id,
          title: snippet.title,
          make: () => [
            h('p.soft.small', 'In ', h('code', snippet.file)),
            codeBlock(snippet.make(filled), `the lines for ${snippet.title}`),
          ],
        })),
        chosen,
        (id) => {
          chosen = id;
          rewrite(link('/start', { ...Object.fromEntries(here().query), with: id }));
        },
      ),
    );
  }

  // 3. What arrives
  const arrivals = h('div', { 'aria-live': 'polite' });
  /** @type {any[]} */
  let rows = [];
  const since = new Date(Date.now() - 5000).toISOString();
  let hadSome = false;
  function drawArrivals() {
    steps.send.classList.toggle('done', rows.length > 0);
    steps.arrival.classList.toggle('done', rows.length > 0);
    fill(
      arrivals,
      rows.length
        ? h(
            'ul.recipients',
            rows.map((row) =>
              h(
                'li',
                h('.line', h('a', { href: link(`/messages/${row.id}`) }, row.subject || '(no subject)'), state(row.last_event)),
                h(
                  'p.soft.small',
                  row.from,
                  ' → ',
                  row.to[0] || '',
                  ' · ',
                  time(row.created_at),
                  ' ',
                  environmentTag(row.environment),
                ),
              ),
            ),
          )
        : h(
            'p.waiting',
            h('span.pulse', { 'aria-hidden': 'true' }),
            'Waiting for your first message…',
            hadSome ? h('a', { href: '#/messages' }, 'Earlier ones') : null,
          ),
    );
  }
  async function look() {
    const page = await get('/v1/emails', { limit: MOST });
    hadSome = page.data.length > 0;
    rows = page.data.filter((/** @type {any} */ row) => row.created_at >= since);
    drawArrivals();
  }
  /** @type {any} */
  let timer = 0;
  const stop = onEvent(() => {
    timer ||= setTimeout(() => {
      timer = 0;
      look().catch(() => {});
    }, 250);
  });
  const tryIt = actionButton(
    'Send one from here',
    async () => {
      const acting = key ? null : await chooseKey(null, (one) => one.environment === 'test');
      await api('POST', '/v1/emails', {
        query: acting?.query() || {},
        headers: key ? { Authorization: `Bearer ${key}` } : {},
        body: {
          from: `you@${domain}`,
          to: 'someone@example.net',
          subject: 'Hello from the dashboard',
          text: 'It works.',
          html: '<h1>It works.</h1><p>This message was sent by the button on the first page. Nobody got it: it was sent with a test key.</p>',
        },
      });
    },
    { icon: 'messages' },
  );

  const third = h('.actions');
  const steps = {
    key: step('A key', keyPlace),
    send: step('Send', places.length > 1 ? where.element : null, lines),
    arrival: step('See it arrive', arrivals, third),
  };
  drawKey();
  drawLines();
  await look();
  const watch = () => fill(third, key || active.some((one) => one.environment === 'test') ? tryIt : null);
  watch();
  keyPlace.addEventListener('click', () => setTimeout(watch, 400));
  return {
    element: h(
      'div',
      pageHead({ title: 'First steps', sub: 'From a key to a message that you can look at, in a minute.' }),
      h(
        '.steps',
        steps.key,
        steps.send,
        steps.arrival,
        h(
          'section.card.step',
          h('header.card-head', h('h2', 'And then')),
          h(
            '.card-body',
            h(
              'ul.plain.stack',
              h(
                'li',
                h('a', { href: '#/sandbox' }, 'Try what can go wrong'),
                ': addresses that bounce, defer and complain, for your tests.',
              ),
              h('li', h('a', { href: '#/domains' }, 'Add your domain'), ', so that live mail is signed and believed.'),
              h('li', h('a', { href: '#/sandbox' }, 'Ask for production access'), ' when the account may reach everybody.'),
            ),
          ),
        ),
      ),
    ),
    title: 'First steps',
    leave: () => {
      stop();
      clearTimeout(timer);
    },
  };
}
