// One webhook: what it gets, what it answered, and sending again.

import { h, fill } from '../lib/dom.js';
import { at, get, patch, post, remove, Problem } from '../lib/api.js';
import { card, factList, notice, pageHead, state } from '../lib/parts.js';
import { duration, number } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyable, copyButton } from '../lib/copy.js';
import { actionButton, field, form } from '../lib/form.js';
import { confirm, openDialog } from '../lib/dialog.js';
import { navigate, reload } from '../lib/router.js';
import { say } from '../lib/toast.js';
import { eventChoice, showSigningSecret } from './webhooks.js';

const PATIENCE_MILLISECONDS = 20_000; // a receiver has fifteen seconds
const LOOK_MILLISECONDS = 500;

/** @param {any} attempt */
function isGood(attempt) {
  return attempt.status >= 200 && attempt.status < 300;
}

/** @param {any} attempt */
function outcome(attempt) {
  return attempt.status ? `HTTP ${attempt.status}` : attempt.failure || 'no answer';
}

/**
 * JSON in lines, where it is whole; else as it is.
 * @param {string} text
 */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * @param {any} attempt
 * @param {string} hook
 */
function attemptLine(attempt, hook) {
  const again = actionButton(
    'Send again',
    async () => {
      await post(at`/v1/webhooks/${hook}/events/${attempt.event_id}/replay`);
      say('Sent again');
    },
    { icon: 'refresh', kind: 'small', title: `Send ${attempt.event_id} again` },
  );
  return h(
    'li.record',
    h(
      '.record-head',
      h(`span.state.${isGood(attempt) ? 'good' : 'bad'}`, h('span.dot'), outcome(attempt)),
      h('span.soft.small', time(attempt.at), ' · took ', duration(attempt.took_ms || 0)),
      h('.push', again),
    ),
    h('p.small', h('code', attempt.event_id), attempt.status && attempt.failure ? [' ', attempt.failure] : null),
    h(
      'details',
      h('summary', 'Request and response'),
      h('p.small.soft', 'POST ', h('code', attempt.endpoint)),
      h('pre.source', { tabindex: '0', role: 'region', 'aria-label': 'What was sent' }, pretty(attempt.request_body)),
      attempt.status
        ? [
            h('p.small.soft', `HTTP ${attempt.status}`, attempt.response_type ? [' · ', h('code', attempt.response_type)] : null),
            attempt.response_body
              ? h('pre.source', { tabindex: '0', role: 'region', 'aria-label': 'What was answered' }, pretty(attempt.response_body))
              : h('p.soft', 'The answer had no body.'),
          ]
        : h('p.soft', attempt.failure || 'There was no answer.'),
    ),
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function webhookPage({ params: [id] }) {
  const hook = await get(at`/v1/webhooks/${id}`);
  const attempts = h('div');
  let known = true;
  async function showAttempts() {
    try {
      const page = await get(at`/v1/webhooks/${id}/attempts`);
      fill(
        attempts,
        card(
          'Recent attempts',
          actionButton('Look again', showAttempts, { icon: 'refresh', kind: 'quiet' }),
          page.data.length
            ? h(
                'ul',
                page.data.map((/** @type {any} */ attempt) => attemptLine(attempt, id)),
              )
            : h('.card-body', h('p.soft', 'Nothing was sent since the server began. Send a test event to try the receiver.')),
        ),
      );
    } catch (error) {
      if (!(error instanceof Problem) || (error.status !== 404 && error.status !== 405)) throw error;
      known = false;
    }
  }
  await showAttempts().catch(() => {});

  /** The newest event once more: what a receiver gets in earnest, and nothing that was made up. */
  async function test() {
    const environment = hook.environment === 'all' ? undefined : hook.environment;
    const [newest] = (await get('/v1/events', { limit: 1, environment })).data;
    if (!newest) {
      say('There is no event yet to send: send a message first.', 'plain');
      return;
    }
    const before = new Set((await get(at`/v1/webhooks/${id}/attempts`)).data.map((/** @type {any} */ a) => a.at + a.event_id));
    await post(at`/v1/webhooks/${id}/events/${newest.id}/replay`);
    const until = Date.now() + PATIENCE_MILLISECONDS;
    while (Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
      const { data } = await get(at`/v1/webhooks/${id}/attempts`);
      const attempt = data.find((/** @type {any} */ a) => a.event_id === newest.id && !before.has(a.at + a.event_id));
      if (!attempt) continue;
      say(
        isGood(attempt) ? `The receiver answered ${attempt.status}` : `It failed: ${outcome(attempt)}`,
        isGood(attempt) ? 'good' : 'bad',
      );
      await showAttempts();
      return;
    }
    say('No attempt was made yet; it is on its way.', 'plain');
  }
  function edit() {
    const endpoint = field({
      label: 'Endpoint',
      name: 'endpoint',
      type: 'url',
      required: true,
      mono: true,
      value: hook.endpoint,
    });
    const events = eventChoice(hook.events);
    const dialog = openDialog(
      { title: 'Change the webhook' },
      form({
        action: 'Save',
        cancel: () => dialog.close(),
        fields: [endpoint, events.element],
        submit: async (values) => {
          await patch(at`/v1/webhooks/${id}`, {
            endpoint: values.endpoint,
            events: events.value().length ? events.value() : null,
          });
          dialog.close();
          say('Saved');
          reload();
        },
      }),
    );
  }
  async function rotate() {
    const sure = await confirm({
      title: 'Make a new signing secret?',
      action: 'Make a new one',
      danger: false,
      cancel: 'Keep the old one',
      text: h('p', 'For a day the old one signs too, so that the receiver can be changed without a gap.'),
    });
    if (!sure) return;
    const made = await post(at`/v1/webhooks/${id}/rotate-secret`);
    await showSigningSecret(made.signing_secret, 'The new secret');
    reload();
  }
  async function flip() {
    await patch(at`/v1/webhooks/${id}`, { status: hook.status === 'enabled' ? 'disabled' : 'enabled' });
    reload();
  }
  async function drop() {
    const sure = await confirm({
      title: 'Delete this webhook?',
      action: 'Delete the webhook',
      text: h('p', 'What waits for it is dropped. The events themselves stay in the log.'),
    });
    if (!sure) return;
    await remove(at`/v1/webhooks/${id}`);
    say('Deleted');
    navigate('#/webhooks');
  }
  function replay() {
    const event = field({
      label: 'Event',
      name: 'event',
      mono: true,
      required: true,
      placeholder: 'evt_…',
      hint: 'Its id, as the log and the receiver have it.',
    });
    const how = field({
      label: 'What',
      name: 'how',
      options: [
        ['event', 'This event only'],
        ['since', 'This one and all after it'],
      ],
    });
    const dialog = openDialog(
      { title: 'Send events again', kind: 'narrow' },
      form({
        action: 'Send again',
        cancel: () => dialog.close(),
        fields: [event, how],
        submit: async (values) => {
          await post(at`/v1/webhooks/${id}/replay`, { [values.how]: values.event.trim() });
          dialog.close();
          say('They are sent again');
        },
      }),
    );
  }
  let isShown = false;
  const secret = h('span', '••••••••••••');
  const reveal = h(
    'button.link',
    {
      type: 'button',
      on: {
        click: () => {
          isShown = !isShown;
          fill(secret, isShown ? h('code', hook.signing_secret) : '••••••••••••');
          reveal.textContent = isShown ? 'Hide' : 'Show';
        },
      },
    },
    'Show',
  );
  return {
    element: h(
      'div',
      pageHead({
        title: h('code', hook.endpoint),
        up: ['/webhooks', 'Webhooks'],
        badge: state(hook.failed ? 'failed' : hook.status),
        actions: [
          known ? actionButton('Send a test event', test, { kind: 'primary' }) : null,
          h('button', { type: 'button', on: { click: edit } }, 'Change'),
          actionButton(hook.status === 'enabled' ? 'Disable' : 'Enable', flip),
          actionButton('Delete', drop, { kind: 'danger' }),
        ],
      }),
      hook.failed
        ? notice(
            'bad',
            h(
              'p',
              'Switched off: the receiver failed for a day, or answered 410. When it is mended, enable it: it goes on where it was.',
            ),
          )
        : null,
      hook.failing_since
        ? notice(
            'warn',
            h(
              'p',
              'Failing since ',
              time(hook.failing_since, 'exact'),
              '. One event at a time is tried; the rest waits in the log.',
            ),
          )
        : null,
      h(
        '.columns.even',
        card(
          'What it gets',
          null,
          h(
            '.card-body',
            factList([
              ['Mail', hook.environment],
              [
                'Events',
                hook.events?.length
                  ? h(
                      '.tags',
                      hook.events.map((/** @type {string} */ e) => h('span.tag', e)),
                    )
                  : 'all',
              ],
              ['Delivered', number(hook.delivered)],
              ['Given up', number(hook.given_up)],
              ['Added', time(hook.created_at, 'exact')],
              ['Id', copyable(hook.id, 'the id')],
            ]),
          ),
        ),
        card(
          'Signing',
          [h('button', { type: 'button', on: { click: replay } }, 'Send events again'), actionButton('New secret', rotate)],
          h(
            '.card-body',
            hook.signing_secret
              ? factList([
                  [
                    'Secret',
                    h('span', secret, ' ', reveal, ' ', copyButton(hook.signing_secret, { what: 'the secret', quiet: true })),
                  ],
                ])
              : h('p.soft', 'The secret is not shown to this session.'),
            h('p.soft', 'Standard Webhooks: libraries for most languages check the signature.'),
          ),
        ),
      ),
      attempts,
    ),
    title: 'Webhook',
  };
}
