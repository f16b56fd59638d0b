// One domain: each record with what is expected and what was found.

import { h, fill } from '../lib/dom.js';
import { all, at, get, patch, post, remove } from '../lib/api.js';
import { card, factList, notice, pageHead, state } from '../lib/parts.js';
import { time } from '../lib/time.js';
import { copyable, copyButton, copyText } from '../lib/copy.js';
import { actionButton, field, form } from '../lib/form.js';
import { confirm } from '../lib/dialog.js';
import { link, navigate } from '../lib/router.js';
import { say } from '../lib/toast.js';

const MOST_OCTETS = 255; // of one character string of a TXT record (RFC 1035 §3.3)
/** @type {Record<string, string>} */
const MEANINGS = {
  Ownership: 'Shows that the domain is yours.',
  DKIM: 'The public key that receivers check our signature with.',
  SPF: 'Names the servers that may send for the domain.',
  DMARC: 'Says what receivers should do with mail that fails.',
};

/**
 * A record as a zone file has it.
 * @param {any} record
 */
export function zoneLine(record) {
  const value =
    record.type === 'TXT'
      ? (record.value.match(new RegExp(`.{1,${MOST_OCTETS}}`, 'gs')) || [''])
          .map((/** @type {string} */ part) => `"${part.replace(/(["\\])/g, '\\$1')}"`)
          .join(' ')
      : `${record.value.replace(/\.$/, '')}.`;
  return `${record.name.replace(/\.$/, '')}. 3600 IN ${record.type} ${value}`;
}

/** @param {any} record */
function recordCard(record) {
  const isFound = record.status === 'verified';
  return h(
    '.record',
    h(
      '.record-head',
      h('h3', `${record.record} · ${record.type}`),
      state(record.status, isFound ? 'Found' : record.status === 'failed' ? 'Not as expected' : undefined),
      record.required ? null : h('span.tag', 'recommended'),
      copyButton(() => zoneLine(record), { label: 'Copy zone line', what: `for ${record.record}` }),
    ),
    h('p.soft.small', MEANINGS[record.record] || ''),
    h(
      'dl.record-lines',
      h('dt', 'Name'),
      h('dd', copyable(record.name, `the name of ${record.record}`)),
      h('dt', 'Value'),
      h('dd', copyable(record.value, `the value of ${record.record}`)),
    ),
    record.finding && !isFound ? h('p.finding', 'Found instead: ', record.finding) : null,
  );
}

/** @type {[string, string][]} */
const POLICIES = [
  ['observe', 'Note it only'],
  ['tag', 'Take it, marked as spam'],
  ['reject', 'Refuse it, where its author’s domain wants that'],
];

/**
 * Whether the domain's mail comes here, and what becomes of what fails SPF, DKIM and DMARC at the door.
 * @param {any} domain
 */
function arriving(domain) {
  const receiving = field({
    label: 'Take mail for it in',
    name: 'receiving',
    type: 'checkbox',
    checked: domain.receiving,
    hint: ['Its addresses are on the page ', h('a', { href: '#/inbound' }, 'Inbound'), '; its MX record has to lead here.'],
  });
  const policy = field({
    label: 'Mail that fails its checks',
    name: 'inbound_policy',
    options: POLICIES,
    value: domain.inbound_policy,
    hint: 'SPF, DKIM and DMARC are looked at as it arrives.',
  });
  return card(
    'Mail that arrives',
    null,
    h(
      '.card-body',
      form({
        action: 'Save',
        fields: [receiving, policy],
        submit: async (values) => {
          Object.assign(domain, await patch(at`/v1/domains/${domain.id}`, values));
          say('Saved');
        },
      }),
    ),
  );
}

/** @param {import('../lib/router.js').Visit} visit */
export default async function domainPage({ params: [id] }) {
  let [domain, keys] = await Promise.all([get(at`/v1/domains/${id}`), all('/v1/api-keys').catch(() => [])]);
  const badge = h('span');
  const records = h('div');
  const word = h('div', { role: 'status' });

  function draw() {
    fill(badge, state(domain.status, domain.status === 'failed' ? 'Records are missing' : undefined));
    fill(records, domain.records.map(recordCard));
    const missing = domain.records.filter((/** @type {any} */ r) => r.required && r.status !== 'verified').length;
    fill(
      word,
      domain.status === 'verified'
        ? notice('good', h('p', 'Verified: mail from ', h('strong', domain.name), ' is signed with DKIM.'))
        : notice(
            'info',
            h(
              'p',
              `Publish the records below at your DNS provider, then look again. ${missing} that are required are not found yet. A change can take minutes to be seen; it is looked up by itself from time to time, too.`,
            ),
          ),
    );
  }
  async function look() {
    domain = await post(at`/v1/domains/${id}/verify`);
    draw();
    say(
      domain.status === 'verified' ? 'Verified' : 'Looked up: not all is there yet',
      domain.status === 'verified' ? 'good' : 'plain',
    );
  }
  async function drop() {
    const sure = await confirm({
      title: `Remove ${domain.name}?`,
      action: 'Remove the domain',
      text: [
        h('p', 'Its DKIM keys are destroyed; mail from it goes out unsigned, and keys limited to it can send nothing.'),
        h('p', 'Adding it again makes new keys, and new records to publish.'),
      ],
    });
    if (!sure) return;
    await remove(at`/v1/domains/${id}`);
    say('Removed');
    navigate('#/domains');
  }
  draw();
  const users = keys.filter(
    (key) =>
      (key.state === 'active' || key.state === 'retiring') &&
      (!key.from_domains.length ||
        key.from_domains.some((/** @type {string} */ d) => d === domain.name || (d.startsWith('.') && domain.name.endsWith(d)))),
  );
  const dkim = domain.records.filter((/** @type {any} */ r) => r.record === 'DKIM');
  return {
    element: h(
      'div',
      pageHead({
        title: domain.name,
        up: ['/domains', 'Domains'],
        badge,
        actions: [
          actionButton('Look again', look, { icon: 'refresh', kind: 'primary' }),
          actionButton('Remove', drop, { kind: 'danger' }),
        ],
      }),
      word,
      h(
        '.columns.aside',
        card(
          'Records to publish',
          actionButton(
            'Copy all as a zone',
            async () => {
              if (await copyText(`${domain.records.map(zoneLine).join('\n')}\n`)) say('Copied all records');
            },
            { icon: 'copy' },
          ),
          records,
        ),
        h(
          'div',
          card(
            'Signing',
            null,
            h(
              '.card-body',
              factList([
                [
                  'DKIM keys',
                  dkim.map((/** @type {any} */ r) =>
                    h(
                      'div',
                      h('code', r.name.split('._domainkey')[0]),
                      ' ',
                      state(r.status, r.status === 'verified' ? 'signs' : 'does not sign yet'),
                    ),
                  ),
                ],
                ['Added', time(domain.created_at, 'exact')],
                ['Id', copyable(domain.id, 'the id')],
              ]),
            ),
          ),
          card(
            'Keys that may send from it',
            null,
            h(
              '.card-body',
              users.length
                ? h(
                    'ul.stack',
                    users.map((key) =>
                      h(
                        'li',
                        h('a', { href: link(`/keys/${key.id}`) }, key.name || key.key_prefix),
                        h('span.soft', key.from_domains.length ? ' – only from here' : ' – from any domain'),
                      ),
                    ),
                  )
                : h('p.soft', 'No active key.'),
            ),
          ),
          arriving(domain),
        ),
      ),
    ),
    title: domain.name,
  };
}
