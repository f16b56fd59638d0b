// Webhooks: where events are sent.

import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, post } from '../lib/api.js';
import { card, empty, notice, pageHead, state, table } from '../lib/parts.js';
import { counted } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyButton } from '../lib/copy.js';
import { field, form } from '../lib/form.js';
import { openDialog } from '../lib/dialog.js';
import { link, navigate } from '../lib/router.js';

export const EVENTS = [
  'email.sent',
  'email.scheduled',
  'email.delivered',
  'email.delivery_delayed',
  'email.bounced',
  'email.failed',
  'email.complained',
  'email.unsubscribed',
  'email.suppressed',
  'email.canceled',
  'email.dsn_queued',
  'email.dsn_withheld',
  'webhook.disabled',
];

/**
 * Boxes, none ticked: all.
 * @param {string[] | null} chosen
 */
export function eventChoice(chosen) {
  const boxes = EVENTS.map((name) =>
    h('input', { type: 'checkbox', name, id: `event-${name}`, checked: Boolean(chosen?.includes(name)) }),
  );
  const element = h(
    'fieldset.event-choice',
    h('legend', 'Events'),
    h('p.hint', 'None ticked: all of them, later ones too.'),
    h(
      '.event-boxes',
      boxes.map((box, i) => h('.field.check', box, h('label', { for: box.id }, h('code', EVENTS[i])))),
    ),
  );
  return { element, value: () => boxes.filter((box) => box.checked).map((box) => box.name) };
}

/**
 * @param {string} secret
 * @param {string} title
 */
export function showSigningSecret(secret, title) {
  const dialog = openDialog(
    { title, kind: 'narrow' },
    h(
      '.dialog-body',
      h(
        'p',
        'Check the signature of every request with it (Standard Webhooks: ',
        h('code', 'webhook-id'),
        ', ',
        h('code', 'webhook-timestamp'),
        ', ',
        h('code', 'webhook-signature'),
        ').',
      ),
      h('.secret', secret),
      h('.actions', copyButton(secret, { what: 'the secret', label: 'Copy the secret' })),
    ),
    h('footer', h('button.primary', { type: 'button', on: { click: () => dialog.close() } }, 'Done')),
  );
  return dialog.done;
}

function add() {
  const endpoint = field({
    label: 'Endpoint',
    name: 'endpoint',
    type: 'url',
    required: true,
    mono: true,
    placeholder: 'https://example.org/hooks/postern',
    hint: 'An HTTPS address of yours that answers 2xx within 15 seconds.',
  });
  const environment = field({
    label: 'Mail',
    name: 'environment',
    options: [
      ['live', 'Live mail'],
      ['test', 'Test mail'],
      ['all', 'Both'],
    ],
  });
  const events = eventChoice(null);
  const dialog = openDialog(
    { title: 'Add a webhook' },
    form({
      action: 'Add',
      cancel: () => dialog.close(),
      fields: [endpoint, environment, events.element],
      submit: async (values) => {
        const made = await post('/v1/webhooks', {
          endpoint: values.endpoint,
          environment: values.environment,
          ...(events.value().length ? { events: events.value() } : {}),
        });
        dialog.close();
        if (made.signing_secret) await showSigningSecret(made.signing_secret, 'Its signing secret');
        navigate(link(`/webhooks/${made.id}`));
      },
    }),
  );
}

export default async function webhooks() {
  const list = await all('/v1/webhooks', { limit: 100 });
  const button = () => h('button.primary', { type: 'button', on: { click: add } }, icon('plus'), 'Add a webhook');
  const broken = list.filter((hook) => hook.failed);
  return {
    element: h(
      'div',
      pageHead({
        title: 'Webhooks',
        sub: 'Every event, signed and sent to an endpoint of yours; tried again for a day.',
        actions: list.length ? button() : null,
      }),
      broken.length
        ? notice(
            'bad',
            h(
              'p',
              `${counted(broken.length, 'webhook')} switched off: the receiver failed for a day or answered 410. Mend it, then enable it; nothing that is still kept is lost.`,
            ),
          )
        : null,
      list.length
        ? card(
            counted(list.length, 'webhook'),
            null,
            table(
              'Webhooks',
              ['Endpoint', 'State', 'Mail', 'Events', 'Added'],
              list.map((hook) => [
                h('a', { href: link(`/webhooks/${hook.id}`) }, h('code', hook.endpoint)),
                state(hook.failed ? 'failed' : hook.status),
                hook.environment,
                hook.events?.length ? counted(hook.events.length, 'type') : 'all',
                time(hook.created_at, 'day'),
              ]),
            ),
          )
        : h(
            '.card',
            empty(
              'webhooks',
              'No webhook yet',
              h(
                'p',
                'Add one to hear of deliveries, bounces and complaints without asking. The message pages and the event stream work without it.',
              ),
              h('.actions', button()),
            ),
          ),
    ),
    title: 'Webhooks',
    keys: [{ keys: 'n', says: 'New webhook', run: add }],
  };
}
