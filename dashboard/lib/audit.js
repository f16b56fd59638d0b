// Who changed what and when, as a table that goes on as far as one wants.

import { h, fill } from './dom.js';
import { get } from './api.js';
import { card, table } from './parts.js';
import { time } from './time.js';
import { actionButton } from './form.js';

/** @type {Record<string, string>} */
const KINDS = { command_line: 'command line', system: 'Postern itself', key: 'key', user: '' };

/**
 * @param {any} page the first one
 * @param {Record<string, any>} query
 */
export function auditTable(page, query) {
  let { data, has_more: more, next } = page;
  const place = h('div');
  function draw() {
    fill(
      place,
      data.length
        ? table(
            'Who changed what',
            ['When', 'Who', 'What', 'Where from'],
            data.map((/** @type {any} */ entry) => [
              time(entry.at),
              [
                entry.actor.name || entry.actor.id || '',
                KINDS[entry.actor.kind] ? h('.soft.small', KINDS[entry.actor.kind]) : null,
              ],
              [
                h('code', entry.action),
                entry.target?.name || entry.target?.id ? [' ', entry.target.name || entry.target.id] : null,
                entry.detail ? h('.soft.small', entry.detail) : null,
              ],
              entry.peer ? h('code', entry.peer) : h('span.soft', '–'),
            ]),
          )
        : h('.card-body', h('p.soft', 'Nothing was changed yet.')),
      more
        ? h(
            '.pager',
            actionButton('Show more', async () => {
              const further = await get('/v1/audit', { limit: 50, after: next, ...query });
              data = [...data, ...further.data];
              more = further.has_more;
              next = further.next;
              draw();
            }),
          )
        : null,
    );
  }
  draw();
  return card('Who changed what', null, place);
}
