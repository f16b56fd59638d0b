// Orders on live mail that waits: held, bounced, moved. The dialog that gives one, and how they are shown.

import { h } from './dom.js';
import { at, get, post, remove } from './api.js';
import { card, state, table } from './parts.js';
import { counted } from './format.js';
import { time } from './time.js';
import { actionButton, field, form } from './form.js';
import { openDialog } from './dialog.js';
import { link } from './router.js';
import { say } from './toast.js';

/** @typedef {{email_id?: string, domain?: string, route?: string, account_id?: string, key_id?: string, tag?: string}} Scope */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OWN_TIME = 'own';
const MOST_REASON = 200;

/** @type {[string, string][]} */
const ACTIONS = [
  ['hold', 'Held'],
  ['move', 'Moved to another route'],
  ['bounce', 'Bounced'],
];
/** @type {Record<string, string>} */
const VERBS = { hold: 'Hold it', move: 'Move it', bounce: 'Bounce it' };
/** @type {Record<string, string>} */
const MEANING = {
  hold: 'It waits, also what comes, until the order ends; then it goes. What grows too old meanwhile bounces as ever.',
  move: 'What waits goes by another route, now and for good. What comes while the order lasts does, too.',
  bounce: 'What waits is given up and its senders are told, which cannot be taken back. So is what comes while the order lasts.',
};
/** @type {Record<string, [string, string]>} */
const SHOWN = { hold: ['delivery_delayed', 'Held'], move: ['queued', 'Moved'], bounce: ['bounced', 'Bounced'] };
/** @type {[string, string][]} */
const TIMES = [
  [String(5 * MINUTE), '5 minutes'],
  [String(HOUR), '1 hour'],
  [String(4 * HOUR), '4 hours'],
  [String(DAY), '1 day'],
  [String(7 * DAY), '7 days'],
  [String(30 * DAY), '30 days'],
  [OWN_TIME, 'Until …'],
];
/** @type {[keyof Scope, string, string][]} */
const SCOPES = [
  ['domain', 'Domain of the recipients', 'example.net; .example.net with all below it; * for all'],
  ['account_id', 'Id of the account', ''],
  ['key_id', 'Id of the key', ''],
  ['tag', 'Tag', ''],
  ['route', 'Route', ''],
  ['email_id', 'Id of the message', ''],
];

/**
 * A time of one's own, as the browser's field for it has one.
 * @param {Date} date
 */
function localTime(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * What it concerns, in words.
 * @param {any} order
 */
export function concerned(order) {
  return [
    order.email_id ? ['message ', h('a', { href: link(`/messages/${order.email_id}`) }, h('code', order.email_id))] : null,
    order.domain === '*' ? 'all domains' : order.domain ? h('code', order.domain) : null,
    order.route ? ['by route ', h('code', order.route)] : null,
    order.account_id ? ['account ', h('a', { href: link(`/accounts/${order.account_id}`) }, h('code', order.account_id))] : null,
    order.key_id ? ['key ', h('code', order.key_id)] : null,
    order.tag ? ['tag ', h('code', order.tag)] : null,
  ]
    .filter(Boolean)
    .flatMap((part, i) => (i ? [', ', part] : [part]));
}

/**
 * Is all mail to the domain held by it?
 * @param {any} order @param {string} domain @param {string | null} route
 */
export function holdsDomain(order, domain, route) {
  if (order.action !== 'hold' || order.email_id || order.account_id || order.key_id || order.tag) return false;
  if (order.route && order.route !== route) return false;
  const scope = order.domain;
  return !scope || scope === '*' || scope === domain || (scope.startsWith('.') && `.${domain}`.endsWith(scope));
}

/** @param {string} id */
export async function endOrder(id) {
  await remove(at`/v1/queue/orders/${id}`);
  say('The order has ended');
}

/**
 * @param {any[]} orders
 * @param {() => Promise<any>} redraw
 */
export function ordersCard(orders, redraw) {
  if (!orders.length) return null;
  return card(
    `${counted(orders.length, 'order')} in force`,
    null,
    table(
      'Orders in force',
      ['Mail', 'What becomes of it', 'Reason', 'By', 'Ends', ['', 'right']],
      orders.map((order) => [
        concerned(order),
        [state(...SHOWN[order.action]), order.to_route ? h('span.small', ' to ', h('code', order.to_route)) : null],
        order.reason || h('span.soft', '–'),
        [order.author, h('.soft.small', time(order.created_at))],
        time(order.expires_at),
        actionButton(
          order.action === 'hold' ? 'Release' : 'End',
          async () => {
            await endOrder(order.id);
            await redraw();
          },
          { kind: 'small', title: order.action === 'hold' ? 'What it held goes' : 'What comes is not concerned any more' },
        ),
      ]),
    ),
  );
}

/**
 * Asks what is to become of mail.
 * @param {Scope} scope what it concerns; empty: that is asked, too
 * @param {() => any} given is called when an order was given
 * @param {{words?: any, from?: string | null}} about words: what the scope is called here; from: the route by which it goes now
 */
export async function orderDialog(scope, given, { words = null, from = null } = /** @type {any} */ ({})) {
  const routes = (await get('/v1/destinations')).data
    .filter((/** @type {any} */ route) => route.domains.length && route.name !== from)
    .map((/** @type {any} */ route) => route.name);
  const isOpen = !Object.values(scope).some(Boolean);
  const action = field({ label: 'What becomes of it', name: 'action', options: ACTIONS, hint: MEANING.hold });
  const meaning = action.element.querySelector('.hint');
  const toRoute = field({ label: 'To the route', name: 'to_route', options: routes.map((/** @type {string} */ r) => [r, r]) });
  const lasts = field({ label: 'For', name: 'lasts', options: TIMES, value: String(DAY) });
  const until = field({
    label: 'Until',
    name: 'until',
    type: 'datetime-local',
    required: true,
    value: localTime(new Date(Date.now() + DAY * 1000)),
  });
  const reason = field({
    label: 'Reason',
    name: 'reason',
    maxlength: MOST_REASON,
    placeholder: 'their incident 4711',
    hint: 'Who looks at the queue next reads it; so does the audit trail.',
  });
  const asked = isOpen
    ? SCOPES.map(([name, label, hint]) =>
        name === 'route'
          ? field({ label, name, options: [['', 'Any'], ...routes.map((/** @type {string} */ r) => [r, r])] })
          : field({ label, name, hint, mono: true, placeholder: name === 'tag' ? 'name or name=value' : undefined }),
      )
    : [];
  const domain = asked[0];
  const narrower = h(
    'details',
    h('summary', 'By account, key, tag, route or message'),
    h(
      '.fields.two',
      asked.slice(1).map((f) => f.element),
    ),
  );

  /** @type {Element | null} */
  let button = null;
  function follow() {
    const what = action.value();
    if (meaning) meaning.textContent = MEANING[what];
    toRoute.element.hidden = what !== 'move';
    toRoute.input.disabled = what !== 'move';
    until.element.hidden = lasts.value() !== OWN_TIME;
    until.input.disabled = lasts.value() !== OWN_TIME;
    if (!button) return;
    button.textContent = VERBS[what];
    button.className = what === 'bounce' ? 'danger' : 'primary';
  }
  action.input.addEventListener('change', () => {
    lasts.input.value = String(action.value() === 'hold' ? DAY : 5 * MINUTE);
    follow();
  });
  lasts.input.addEventListener('change', follow);

  const dialog = openDialog(
    { title: isOpen ? 'An order on what waits' : 'What waits' },
    form({
      action: VERBS.hold,
      cancel: () => dialog.close(),
      also: asked.slice(1),
      fields: [
        isOpen
          ? h('p.field.soft', 'Live mail of all accounts, of which everything holds that you name here.')
          : h('p.field', 'Live mail: ', words || concerned(scope)),
        domain || null,
        isOpen ? h('.field', narrower) : null,
        action,
        toRoute,
        h('.fields.two', lasts.element, until.element),
        reason,
      ],
      submit: async (values) => {
        const own = lasts.value() === OWN_TIME;
        const seconds = own ? Math.round((new Date(until.value()).getTime() - Date.now()) / 1000) : Number(lasts.value());
        const named = Object.fromEntries(asked.map((f) => [f.name, String(values[f.name]).trim()]));
        if (own && !(seconds > 0)) {
          until.wrong('That is over already.');
          until.input.focus();
          return;
        }
        const wanted = { ...scope, ...named };
        await post('/v1/queue/orders', {
          ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)),
          action: values.action,
          ...(values.action === 'move' ? { to_route: values.to_route } : {}),
          reason: values.reason.trim(),
          expires_in: seconds,
        });
        say('The order is given');
        dialog.close();
        await given();
      },
    }),
  );
  button = dialog.element.querySelector('button[type=submit]');
  follow();
}
