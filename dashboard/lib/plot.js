// Plots of our own: stacked columns in SVG. Each column is a link to the messages behind it, the arrow keys go along them, dragging
// over some zooms in, and the same figures stand in a table behind.

import { h, svg } from './dom.js';
import { number, shortNumber } from './format.js';
import { table } from './parts.js';

const WIDTH = 920;
const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 8;
const STEPS = [1, 2, 2.5, 5, 10];

/**
 * A round number of at least that.
 * @param {number} most
 */
export function roundTop(most) {
  if (most <= 4) return 4;
  const unit = 10 ** Math.floor(Math.log10(most));
  return (STEPS.find((step) => step * unit >= most) || 10) * unit;
}

/** @typedef {{id: string, words: string}} Series */
/**
 * @typedef {{at: Date, words: string, short: string, values: Record<string, number>, href: string,
 *   hrefs?: Record<string, string>}} Column hrefs: what is behind a series, where that is elsewhere
 */

/**
 * @param {Column} column
 * @param {Series} one
 */
function figure(column, one) {
  const value = column.values[one.id] || 0;
  const href = column.hrefs?.[one.id];
  return value && href ? h('a', { href, 'aria-label': `${one.words}: ${number(value)}, ${column.words}` }, number(value)) : number(value);
}

/** @param {Series[]} series */
export function legend(series) {
  return h(
    '.legend',
    { 'aria-hidden': 'true' },
    series.map((one) => h('span', h(`i.swatch.${one.id}`), one.words)),
  );
}

/**
 * @param {{label: string, series: Series[], columns: Column[], onZoom?: (from: Column, to: Column) => void}} options
 */
export function columnPlot({ label, series, columns, onZoom }) {
  const totals = columns.map((column) => series.reduce((sum, one) => sum + (column.values[one.id] || 0), 0));
  const top = roundTop(Math.max(0, ...totals));
  const step = (WIDTH - LEFT) / Math.max(1, columns.length);
  const scale = (HEIGHT - TOP - BOTTOM) / top;
  const said = h('p.plot-said', { 'aria-live': 'polite' });
  const base = HEIGHT - BOTTOM;
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = Math.round(base - share * top * scale) + 0.5;
    return [
      svg('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y, y2: y }),
      svg('text', { x: LEFT - 8, y: y + 4, 'text-anchor': 'end' }, shortNumber(share * top)),
    ];
  });
  const every = Math.ceil(columns.length / 8);
  const links = columns.map((column, i) => {
    let y = base;
    const x = LEFT + i * step;
    const bars = series.map((one) => {
      const height = (column.values[one.id] || 0) * scale;
      if (!height) return null;
      y -= height;
      return svg('rect', { class: `series ${one.id}`, x: x + step * 0.14, y, width: Math.max(1, step * 0.72), height });
    });
    const words = `${column.words}: ${series.map((one) => `${one.words} ${number(column.values[one.id] || 0)}`).join(', ')}`;
    return svg(
      'a',
      {
        href: column.href,
        'aria-label': words,
        tabindex: i === columns.length - 1 ? '0' : '-1',
        'data-index': i,
        on: { focus: () => say(words), mouseenter: () => say(words) },
      },
      svg('rect', { class: 'hit', x, y: TOP, width: step, height: base - TOP }),
      bars,
    );
  });
  const labels = columns.map((column, i) =>
    i % every === Math.floor(every / 2)
      ? svg('text', { x: LEFT + (i + 0.5) * step, y: HEIGHT - 6, 'text-anchor': 'middle' }, column.short)
      : null,
  );
  const brush = svg('rect', { class: 'brush', y: TOP, height: base - TOP, width: 0 });
  const plot = svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'group', 'aria-label': label },
    svg('g', { 'aria-hidden': 'true' }, lines, labels),
    links,
    brush,
  );

  /** @param {string} words */
  function say(words) {
    said.textContent = words;
  }
  /** @param {MouseEvent} event */
  function indexAt(event) {
    const box = plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH - LEFT;
    return Math.max(0, Math.min(columns.length - 1, Math.floor(x / step)));
  }
  let from = -1;
  let dragged = false;
  plot.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    from = event.button === 0 && event.pointerType === 'mouse' ? indexAt(event) : -1;
    dragged = false;
  });
  plot.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
    if (from < 0 || !onZoom) return;
    const to = indexAt(event);
    if (to === from && !dragged) return;
    dragged = true;
    brush.setAttribute('x', String(LEFT + Math.min(from, to) * step));
    brush.setAttribute('width', String((Math.abs(to - from) + 1) * step));
  });
  plot.addEventListener('pointerup', (/** @type {PointerEvent} */ event) => {
    const to = indexAt(event);
    brush.setAttribute('width', '0');
    if (dragged && onZoom && from >= 0 && to !== from) onZoom(columns[Math.min(from, to)], columns[Math.max(from, to)]);
    from = -1;
  });
  plot.addEventListener('click', (/** @type {Event} */ event) => {
    if (dragged) event.preventDefault();
    dragged = false;
  });
  plot.addEventListener('dragstart', (/** @type {Event} */ event) => event.preventDefault());
  plot.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const at = Number(/** @type {Element} */ (event.target).getAttribute('data-index'));
    const to = event.key === 'ArrowRight' ? at + 1 : event.key === 'ArrowLeft' ? at - 1 : -1;
    if (to < 0 || to >= columns.length) return;
    event.preventDefault();
    links[at].setAttribute('tabindex', '-1');
    links[to].setAttribute('tabindex', '0');
    links[to].focus();
  });
  plot.addEventListener('mouseleave', () => say(''));

  const rows = h('details', h('summary', 'The figures as a table'));
  rows.addEventListener('toggle', () => {
    if (rows.open && rows.children.length === 1) {
      rows.append(
        table(
          label,
          ['Time', ...series.map((one) => [one.words, 'number'])],
          [...columns]
            .reverse()
            .map((column) => [
              h('a', { href: column.href }, column.words),
              ...series.map((one) => figure(column, one)),
            ]),
        ),
      );
    }
  });
  return h('.plot-frame', plot, said, rows);
}

/**
 * Names with bars, the longest first.
 * @param {string} label @param {{name: any, value: number, series?: string, note?: string}[]} lines
 */
export function barList(label, lines) {
  const most = Math.max(1, ...lines.map((line) => line.value));
  return h(
    'ul.bars',
    { 'aria-label': label },
    lines.map((line) =>
      h(
        'li.bar-line',
        h('span.bar-name', line.name),
        svg(
          'svg',
          { viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true', class: line.series || '' },
          svg('rect', { width: Math.max(0.7, (100 * line.value) / most), height: 8 }),
        ),
        h('span.number', number(line.value)),
      ),
    ),
  );
}
