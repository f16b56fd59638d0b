// Sandbox and production access: whom live keys reach, what test keys can be made to meet, and the way out.

import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, post, remove } from '../lib/api.js';
import { card, notice, pageHead, state, table } from '../lib/parts.js';
import { time } from '../lib/time.js';
import { copyButton } from '../lib/copy.js';
import { actionButton, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { account as freshAccount } from '../lib/session.js';
import { reload } from '../lib/router.js';
import { say } from '../lib/toast.js';

const SIMULATOR = 'simulator.postern.test';
/** @type {[string, string, string][]} */
const SCENARIOS = [
  ['delivered', '250', 'Delivered at the first attempt'],
  ['bounced', '250', 'The next hop answers 550 5.1.1: bounced, with a report to the sender'],
  ['rejected', '550 5.1.1', 'Refused within the session'],
  ['deferred', '250', 'Two temporary failures, then delivered'],
  ['complained', '250', 'Delivered, then reported as spam'],
  ['suppressed', '250', 'Not attempted: on the suppression list'],
  ['timeout', '250', 'Every attempt times out, until it expires'],
  ['expired', '250', 'No host is found, until it expires'],
  ['smtp-451-4.7.1', '451 4.7.1', 'That very reply; any code from 200 to 599 works so'],
  ['rate_limited', '451 4.7.1', 'The refusal of that name, as a client would meet it'],
];

/** @param {any} account */
function production(account) {
  if (account.mode === 'production') {
    return card(
      'Production access',
      null,
      h('.card-body', notice('good', h('p', h('strong', 'The account is in production.'), ' Live keys reach every address.'))),
    );
  }
  const conditions = account.conditions || [];
  const isReady = conditions.every((/** @type {any} */ condition) => condition.met);
  function ask() {
    const use = field({
      label: 'What will you send, and to whom?',
      name: 'use_case',
      type: 'textarea',
      maxlength: 2000,
      required: true,
      rows: 5,
      hint: 'A few sentences for the operator who decides: what kind of mail, where the addresses come from, how people can stop it.',
    });
    const dialog = openDialog(
      { title: 'Ask for production access' },
      form({
        action: 'Ask',
        cancel: () => dialog.close(),
        fields: [use],
        submit: async (values) => {
          await post('/v1/account/production-access', { use_case: values.use_case });
          dialog.close();
          say('Asked: an operator decides');
          reload();
        },
      }),
    );
  }
  const request = account.production_request;
  return card(
    'Production access',
    request ? state('pending', 'Asked') : null,
    h(
      '.card-body',
      h('p.soft', 'In the sandbox live keys reach only the addresses below. To reach everybody:'),
      h(
        'ul.conditions',
        conditions.map((/** @type {any} */ condition) =>
          h(
            'li',
            { class: condition.met ? 'met' : 'unmet' },
            icon(condition.met ? 'check' : 'clock'),
            h(
              'div',
              h('span.hidden-words', condition.met ? 'Met: ' : 'Not met yet: '),
              `${condition.message[0].toUpperCase()}${condition.message.slice(1)}. `,
              condition.name === 'verified_domain' && !condition.met ? [' ', h('a', { href: '#/domains' }, 'Domains')] : null,
            ),
          ),
        ),
      ),
      request
        ? notice(
            'info',
            h('p', 'You asked ', time(request.requested_at), '. An operator decides; this page says so at once.'),
            request.use_case ? h('p.soft', '“', request.use_case, '”') : null,
          )
        : h(
            '.actions',
            h('button.primary', { type: 'button', disabled: !isReady, on: { click: ask } }, 'Ask for production access'),
            isReady ? null : h('span.soft.small', 'When all conditions are met.'),
          ),
    ),
  );
}

/** @param {any[]} list */
function whitelist(list) {
  const address = field({ label: 'Address', name: 'email', type: 'email', required: true, placeholder: 'friend@example.net' });
  const adding = form({
    action: 'Add',
    fields: [address],
    submit: async (values) => {
      const made = await post('/v1/sandbox/emails', { email: values.email.trim() });
      say(made.status === 'pending' ? 'Added: it got a mail and has to agree' : 'Added');
      reload();
    },
  });
  /** @param {any} entry */
  async function drop(entry) {
    const sure = await confirm({
      title: `Take ${entry.email} off?`,
      action: 'Take it off',
      text: h('p', 'Live keys are refused for it from then on: ', h('code', '550 5.7.1 recipient_not_whitelisted'), '.'),
    });
    if (!sure) return;
    await remove('/v1/sandbox/emails', { email: entry.email });
    say('Taken off');
    reload();
  }
  return card(
    'Whom live keys reach',
    null,
    h('.card-body', h('.inline-form', adding)),
    list.length
      ? table(
          'Addresses that may be reached',
          ['Address', 'State', 'Added', ['', 'right']],
          list.map((entry) => [
            h('code', entry.email),
            state(entry.status),
            time(entry.created_at, 'day'),
            actionButton('Take off', () => drop(entry), { kind: 'small quiet', title: `Take ${entry.email} off` }),
          ]),
        )
      : h('.card-body', h('p.soft', 'Nobody yet. Add your own address to try a live key.')),
  );
}

function confirmation() {
  const code = field({ label: 'Code', name: 'code', mono: true, required: true, maxlength: 64, placeholder: 'abcd-efgh-ijkl' });
  return h(
    'details',
    h('summary', 'I have a code from a mail'),
    h(
      '.inline-form',
      form({
        action: 'Confirm',
        fields: [code],
        submit: async (values) => {
          const done = await post('/v1/confirmations', { code: values.code.trim() });
          say(`${done.email} is confirmed`);
          reload();
        },
      }),
    ),
  );
}

export default async function sandbox() {
  const [account, list] = await Promise.all([freshAccount(), all('/v1/sandbox/emails')]);
  const isSandbox = account.mode === 'sandbox';
  return {
    element: h(
      'div',
      pageHead({
        title: 'Sandbox',
        badge: state(account.mode),
        sub: isSandbox
          ? 'Mail is tried here without reaching strangers: test keys reach nobody, live keys only whom you name.'
          : 'Test keys still reach nobody; live keys reach everybody.',
      }),
      h(
        '.columns.even',
        h('div', production(account), isSandbox ? whitelist(list) : null, isSandbox ? confirmation() : null),
        card(
          'Scenarios for test keys',
          null,
          h(
            '.card-body',
            h(
              'p.soft',
              'With a test key the recipient decides what happens. What follows a ',
              h('code', '+'),
              ' is yours: ',
              h('code', `bounced+order-17@${SIMULATOR}`),
              '. Your installation may have named another domain (',
              h('code', 'simulator_domain'),
              ').',
            ),
          ),
          table(
            'Scenarios',
            [`… @${SIMULATOR}`, 'At RCPT', 'What happens'],
            SCENARIOS.map(([name, reply, what]) => [
              h(
                'span.copyable',
                h('code', name),
                copyButton(`${name}@${SIMULATOR}`, { what: `the address ${name}@${SIMULATOR}`, quiet: true }),
              ),
              h('code.reply', reply),
              what,
            ]),
          ),
        ),
      ),
    ),
    title: 'Sandbox',
  };
}
