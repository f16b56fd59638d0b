// What came in: mail for the account's addresses, and what came back to its messages. Beside it the routes: which addresses receive.

import { h, fill } from '../lib/dom.js';
import { at, get, patch, post, remove } from '../lib/api.js';
import { card, empty, messageLink, pageHead, table } from '../lib/parts.js';
import { octets, someOf } from '../lib/format.js';
import { time } from '../lib/time.js';
import { actionButton, failure, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { link } from '../lib/router.js';
import { say } from '../lib/toast.js';

const PAGE = 50;
const REFRESH_MILLISECONDS = 5000;
/** @type {Record<string, [string, string]>} */
const KINDS = {
  mail: ['good', 'Mail'],
  report: ['bad', 'Bounce report'],
  complaint: ['bad', 'Complaint'],
  feedback: ['calm', 'Feedback'],
  auto_reply: ['calm', 'Automatic reply'],
  challenge: ['warn', 'Challenge'],
  other: ['dim', 'Other'],
};
/** @type {Record<string, string>} */
const ACTIONS = {
  store: 'Kept and listed',
  webhook: 'Kept, and told to webhooks',
  forward: 'Kept, and sent on',
  drop: 'Acknowledged and dropped',
};

/** @param {string | null} kind */
export function kindOf(kind) {
  const [colour, words] = kind ? KINDS[kind] || ['calm', kind] : ['dim', 'Not read yet'];
  return h(`span.state.${colour}`, h('span.dot', { 'aria-hidden': 'true' }), words);
}

/** @param {any} one */
const row = (one) => [
  h('a', { href: link(`/inbound/${one.id}`) }, one.subject || '(no subject)'),
  one.from || one.return_path || '<>',
  someOf(one.to, 2),
  [kindOf(one.kind), one.email_id ? h('.small', messageLink(one.email_id, 'to a message of yours')) : null],
  octets(one.size),
  time(one.received_at),
];

export default async function inbound() {
  const place = h('div');
  const routesPlace = h('div');
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
  /** @param {boolean} [further] */
  async function load(further = false) {
    const page = await get('/v1/inbound', { limit: PAGE, after: further ? next : null });
    rows = further ? [...rows, ...page.data] : page.data;
    next = page.has_more ? page.next : null;
    draw();
  }
  function draw() {
    fill(
      place,
      card(
        'What came in',
        null,
        rows.length
          ? table('What came in', ['Subject', 'From', 'To', 'What', ['Size', 'number'], 'Received'], rows.map(row))
          : empty(
              'inbound',
              'Nothing came in yet',
              h('p', 'Bounces and complaints come here, and mail for the addresses of your domains that have a route.'),
            ),
        next ? h('.pager', actionButton('Show more', () => load(true))) : null,
      ),
    );
  }

  async function addRoute() {
    const domains = (await get('/v1/domains')).data.filter((/** @type {any} */ one) => one.status === 'verified');
    if (!domains.length) {
      say('Verify a domain first: mail is taken in for domains that are yours.', 'plain');
      return;
    }
    const match = field({
      label: 'Address',
      name: 'match',
      required: true,
      mono: true,
      placeholder: 'ticket+*',
      hint: 'What stands before the @, with one star at most.',
    });
    const domain = field({
      label: 'Domain',
      name: 'domain_id',
      options: domains.map((/** @type {any} */ one) => [one.id, one.name]),
      hint: 'It takes mail in from then on.',
    });
    const action = field({ label: 'What becomes of it', name: 'action', options: Object.entries(ACTIONS) });
    const destination = field({
      label: 'Send it on to',
      name: 'destination',
      mono: true,
      placeholder: 'bob@example.net',
      hint: 'An address elsewhere, where it is sent on; empty otherwise.',
    });
    const dialog = openDialog(
      { title: 'Receive mail at an address', kind: 'narrow' },
      form({
        action: 'Add the route',
        cancel: () => dialog.close(),
        fields: [match, domain, action, destination],
        submit: async (values) => {
          const { destination: to, ...route } = values;
          await post('/v1/routes', to ? { ...route, destination: to } : route);
          await patch(at`/v1/domains/${values.domain_id}`, { receiving: true });
          dialog.close();
          say('It receives');
          await loadRoutes();
        },
      }),
    );
  }
  /** @param {any} route */
  async function drop(route) {
    const sure = await confirm({
      title: `Remove ${route.match}@${route.domain}?`,
      action: 'Remove the route',
      text: h('p', 'Where no other route matches, mail to it is refused from then on.'),
    });
    if (!sure) return;
    await remove(at`/v1/routes/${route.id}`);
    say('Removed');
    await loadRoutes();
  }
  async function tryAddress() {
    const address = field({ label: 'Address', name: 'address', required: true, mono: true, placeholder: 'ticket+7@example.org' });
    const outcome = h('div', { role: 'status' });
    const dialog = openDialog(
      { title: 'What becomes of mail to an address', kind: 'narrow' },
      form({
        action: 'Try it',
        cancel: () => dialog.close(),
        fields: [address],
        submit: async (values) => {
          const found = await get('/v1/routes/test', values);
          fill(
            outcome,
            found.routes.length
              ? h(
                  'ul.plain',
                  found.routes.map((/** @type {any} */ route) =>
                    h('li', `${route.match}: ${ACTIONS[route.action] || route.action}`, route.destination ? ` to ${route.destination}` : null),
                  ),
                )
              : h('p', `It is refused: ${found.reply}`),
          );
        },
      }),
      outcome,
    );
  }
  async function loadRoutes() {
    const list = (await get('/v1/routes')).data;
    fill(
      routesPlace,
      card(
        'Routes',
        [actionButton('Try an address', tryAddress), actionButton('Add a route', addRoute, { icon: 'plus' })],
        list.length
          ? table(
              'Routes',
              ['Address', 'What becomes of it', ['', 'right']],
              list.map((/** @type {any} */ route) => [
                h('code', `${route.match}@${route.domain}`),
                [ACTIONS[route.action] || route.action, route.destination ? ` to ${route.destination}` : null, route.active ? null : h('.soft.small', 'not active')],
                actionButton('Remove', () => drop(route), { kind: 'small quiet', title: `Remove ${route.match}@${route.domain}` }),
              ]),
            )
          : h('.card-body', h('p.soft', 'No address receives. Every route that matches runs; postmaster and abuse are always there.')),
      ),
    );
  }
  await Promise.all([load(), loadRoutes()]);
  // What is only kept is no event: it is looked for, as long as nobody is on the list or further down in it.
  const timer = setInterval(() => {
    if (document.hidden || place.contains(document.activeElement) || rows.length > PAGE) return;
    load().catch((error) => fill(place, failure(error, load)));
  }, REFRESH_MILLISECONDS);
  return {
    element: h(
      'div',
      pageHead({ title: 'Inbound', sub: 'Mail for your addresses, and what comes back to your messages.' }),
      place,
      routesPlace,
    ),
    title: 'Inbound',
    keys: [{ keys: 'n', says: 'Add a route', run: () => void addRoute() }],
    leave: () => clearInterval(timer),
  };
}
