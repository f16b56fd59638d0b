// One message that came in: from whom, to which address, what it was read as, and its source.

import { h, fill } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { api, at, get, Problem } from '../lib/api.js';
import { card, factList, messageLink, notice, pageHead } from '../lib/parts.js';
import { octets } from '../lib/format.js';
import { time } from '../lib/time.js';
import { copyable } from '../lib/copy.js';
import { failure } from '../lib/form.js';
import { kindOf } from './inbound.js';

const MOST_SOURCE = 512 * 1024; // characters shown; the rest is in the file

/** @param {import('../lib/router.js').Visit} visit */
export default async function received({ params: [id] }) {
  const one = await get(at`/v1/inbound/${id}`);
  const source = h('.card-body', { 'aria-busy': 'true' }, h('p.soft', 'Loading…'));
  api('GET', at`/v1/inbound/${id}/raw`, { text: true })
    .then(
      (raw) => fill(source, h('pre.source', { tabindex: '0', role: 'region', 'aria-label': 'The message as it came in' }, raw.slice(0, MOST_SOURCE))),
      (error) =>
        fill(
          source,
          error instanceof Problem && error.status === 404
            ? notice('info', h('p', 'The content is not kept any more; what was found in it is.'))
            : failure(error),
        ),
    )
    .finally(() => source.removeAttribute('aria-busy'));
  return {
    element: h(
      'div',
      pageHead({ title: one.subject || '(no subject)', up: ['/inbound', 'Inbound'], badge: kindOf(one.kind) }),
      h(
        '.columns.aside',
        card(
          'Source',
          h('a.button', { href: at`/v1/inbound/${id}/raw`, download: `${one.id}.eml` }, icon('down'), 'Download .eml'),
          source,
        ),
        h(
          'div',
          card(
            'Findings',
            null,
            h(
              '.card-body',
              one.findings.length
                ? h(
                    'ul.plain',
                    one.findings.map((/** @type {string} */ line) => h('li', line)),
                  )
                : h('p.soft', one.kind === 'mail' ? 'It is mail for an address of yours.' : 'Nothing was found in it.'),
            ),
          ),
          one.forwards.length
            ? card(
                'Sent on',
                null,
                h(
                  '.card-body',
                  h(
                    'ul.plain',
                    one.forwards.map((/** @type {any} */ to) =>
                      h('li', to.email_id ? messageLink(to.email_id, to.to) : to.to, to.reason ? ` not sent on: ${to.reason}` : null),
                    ),
                  ),
                ),
              )
            : null,
          one.auth
            ? card(
                'Who it is from',
                null,
                h(
                  '.card-body',
                  one.auth.suspicion ? notice('warn', h('p', `It is not proved to be from whom it says: ${one.auth.suspicion}.`)) : null,
                  factList([
                    ['SPF', [one.auth.spf, one.auth.spf_domain].filter(Boolean).join(', ')],
                    ['DKIM', [one.auth.dkim, ...one.auth.dkim_domains].join(', ')],
                    ['DMARC', [one.auth.dmarc, one.auth.from_domain].filter(Boolean).join(', ')],
                    ['Asked for', one.auth.policy],
                    ['ARC', one.auth.arc],
                  ]),
                ),
              )
            : null,
          card(
            'Envelope',
            null,
            h(
              '.card-body',
              factList([
                ['From', one.from],
                ['Return path', one.return_path || '<>'],
                ['To', one.to.join(', ')],
                ['Answers', one.email_id ? messageLink(one.email_id, 'a message of yours') : null],
                ['Received', time(one.received_at, 'exact')],
                ['Size', octets(one.size)],
                ['Id', copyable(one.id, 'the id')],
              ]),
            ),
          ),
        ),
      ),
    ),
    title: one.subject || 'Inbound',
  };
}
