// Sending domains.

import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { all, post } from '../lib/api.js';
import { card, empty, pageHead, state, table } from '../lib/parts.js';
import { counted } from '../lib/format.js';
import { time } from '../lib/time.js';
import { field, form } from '../lib/form.js';
import { openDialog } from '../lib/dialog.js';
import { link, navigate } from '../lib/router.js';

function add() {
  const name = field({
    label: 'Domain',
    name: 'name',
    required: true,
    mono: true,
    placeholder: 'example.org',
    hint: 'What stands behind the @ in From. A name of its own for mail, such as mail.example.org, keeps its reputation apart.',
  });
  const dialog = openDialog(
    { title: 'Add a domain', kind: 'narrow' },
    form({
      action: 'Add',
      cancel: () => dialog.close(),
      fields: [name],
      submit: async (values) => {
        const made = await post('/v1/domains', { name: values.name.trim() });
        dialog.close();
        navigate(link(`/domains/${made.id}`));
      },
    }),
  );
}

export default async function domains() {
  const list = await all('/v1/domains');
  const button = () => h('button.primary', { type: 'button', on: { click: add } }, icon('plus'), 'Add a domain');
  return {
    element: h(
      'div',
      pageHead({
        title: 'Domains',
        sub: 'Mail from a verified domain is signed with DKIM, so that receivers know it for yours.',
        actions: list.length ? button() : null,
      }),
      list.length
        ? card(
            counted(list.length, 'domain'),
            null,
            table(
              'Domains',
              ['Name', 'State', 'Added'],
              list.map((domain) => [
                h('a', { href: link(`/domains/${domain.id}`) }, domain.name),
                state(domain.status, domain.status === 'failed' ? 'Records are missing' : undefined),
                time(domain.created_at, 'day'),
              ]),
            ),
          )
        : h(
            '.card',
            empty(
              'domains',
              'No domain yet',
              h(
                'p',
                'Add the domain that your From fields have. You get the DNS records to publish, each to be copied with one click.',
              ),
              h('.actions', button()),
            ),
          ),
    ),
    title: 'Domains',
    keys: [{ keys: 'n', says: 'New domain', run: add }],
  };
}
