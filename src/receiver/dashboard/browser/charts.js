// Draws `figure[data-chart]`, as show/chart.ts writes it, with uPlot. Without scripts the figure's sentence and table stand alone.
//
// The contract: the attribute holds JSON {kind, x, times, series: [{label, unit, tone?, values}]}, every name and unit as in `Chart` of
// show/chart.ts (an attribute, because the template escapes it as it escapes everything, and nothing has to be let through raw). The
// chart is drawn into the figure's `.plot`, which has its height by style.css, so that nothing moves when it comes.
//  - `startCharts(root)` draws those in `root` and `root` itself, as soon as they have a width: also what is not in the page yet.
//  - It follows its width, the reader's light or dark, and the reader's zone (`day`: UTC, as days are counted there).
//  - It is destroyed when it is taken out of the page.
//  - Colours are the custom properties --chart-1 to --chart-6, or --chart-good, -warn, -bad, -idle by `tone`.
// Hosts name some series: a label only ever becomes text.

import uPlot from 'uplot';
import { axisSize, axisTexts, stepsOf, timeText, valueText } from './chart-texts.js';

/** @typedef {{label: string, unit: string, tone?: string, values: (number | null)[]}} Series */
/** @typedef {{kind: 'line' | 'bars' | 'stacked-bars', x: 'time' | 'day' | 'elapsed', times: number[], series: Series[]}} Chart */

const PALETTE = 6;
const FONT = '12px system-ui, sans-serif';
const X_AXIS_PX = 30;
const BAR_PART = 0.86;
const WIDEST_BAR_PX = 48;
const HEADROOM = 1.08;
const DAY_S = 86_400;
const QUARTER_S = 900;

/** Those that are in the page. @type {Map<HTMLElement, uPlot>} */
const drawn = new Map();

// In the next frame: what is drawn may bring a scroll bar, and so another width.
const widths = new ResizeObserver((entries) => {
  requestAnimationFrame(() => {
    for (const { target } of entries) if (target instanceof HTMLElement) fit(target);
  });
});

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const plot of [...drawn.keys()]) {
    erase(plot);
    fit(plot);
  }
});

/** @param {ParentNode} root */
export function startCharts(root) {
  const figures = [...root.querySelectorAll('figure[data-chart]')];
  if (root instanceof HTMLElement && root.matches('figure[data-chart]')) figures.push(root);
  for (const figure of figures) {
    const plot = figure.querySelector('.plot');
    if (!(plot instanceof HTMLElement)) continue;
    // For a browser whose style cannot tell that scripts run.
    plot.dataset['drawn'] = '';
    widths.observe(plot);
  }
}

/** @param {HTMLElement} plot */
function fit(plot) {
  if (!plot.isConnected) {
    widths.unobserve(plot);
    return erase(plot);
  }
  const [width, height] = [plot.clientWidth, plot.clientHeight];
  if (width === 0) return undefined;
  const present = drawn.get(plot);
  if (!present) drawn.set(plot, draw(plot, width, height));
  else if (present.width !== width) present.setSize({ width, height });
  return undefined;
}

/** @param {HTMLElement} plot */
function erase(plot) {
  drawn.get(plot)?.destroy();
  drawn.delete(plot);
  plot.nextElementSibling?.matches('.readout') && plot.nextElementSibling.remove();
}

/**
 * @param {HTMLElement} plot
 * @param {number} width
 * @param {number} height
 */
function draw(plot, width, height) {
  /** @type {Chart} */
  const chart = JSON.parse(plot.closest('figure')?.dataset['chart'] ?? '');
  const colours = coloursOf(plot, chart.series);
  const tell = addReadout(plot, chart, colours);
  const options = optionsOf(chart, colours, getComputedStyle(plot));
  return new uPlot(
    { ...options, width, height, hooks: { setCursor: [({ cursor }) => tell(cursor.idx ?? null)] } },
    columnsOf(chart),
    plot,
  );
}

/**
 * Bars upon each other are drawn as their sums, the highest first, so that each next one stands before it.
 * @param {Chart} chart
 * @returns {uPlot.AlignedData}
 */
function columnsOf({ kind, times, series }) {
  if (kind !== 'stacked-bars') return [times, ...series.map(({ values }) => values)];
  const sums = times.map(() => 0);
  const columns = series.map(({ values }) => {
    for (const index of sums.keys()) sums[index] = (sums[index] ?? 0) + (values[index] ?? 0);
    return [...sums];
  });
  return [times, ...columns.reverse()];
}

/**
 * @param {Chart} chart
 * @param {string[]} colours
 * @param {CSSStyleDeclaration} style
 */
function optionsOf(chart, colours, style) {
  const { kind, x, times, series } = chart;
  const isBars = kind !== 'line';
  const units = [...new Set(series.map(({ unit }) => unit))];
  /** @param {Series} of */
  const scaleOf = ({ unit }) => (unit === units[0] ? 'y' : 'y2');
  const drawnSeries = series.map((of, index) => ({
    label: of.label,
    scale: scaleOf(of),
    stroke: colours[index] ?? '',
    width: isBars ? 0 : 1.5,
    ...(isBars && { fill: colours[index] ?? '', points: { show: false } }),
    ...(isBars && uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [BAR_PART, WIDEST_BAR_PX], align: 1 }) }),
  }));
  const first = times[0] ?? 0;
  const lengthS = times.length > 1 ? (times[1] ?? 0) - first : x === 'day' ? DAY_S : QUARTER_S;
  /** @type {uPlot.Range.Function} */
  const wholeBars = (_, least, most) => [least, (most ?? first) + lengthS];
  /** @type {uPlot.Range.Function} */
  const fromZero = (_, _least, most) => [0, (most ?? 0) > 0 ? (most ?? 0) * HEADROOM : 1];
  const scale = isBars ? { range: fromZero } : {};
  const lines = { stroke: style.getPropertyValue('--line'), width: 1 };
  const axis = { font: FONT, stroke: style.getPropertyValue('--muted'), grid: lines, ticks: { ...lines, size: 4 } };
  return {
    padding: /** @type {uPlot.Padding} */ ([8, null, null, null]),
    legend: { show: false },
    cursor: { y: false, drag: { x: !isBars, y: false }, points: { show: !isBars } },
    scales: { x: { time: x !== 'elapsed', ...(isBars && { range: wholeBars }) }, y: scale, y2: scale },
    series: [{}, ...(kind === 'stacked-bars' ? drawnSeries.reverse() : drawnSeries)],
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: X_AXIS_PX,
        space: 64,
        values: axisTexts(x),
        ...(x === 'day' && { incrs: stepsOf('day') }),
      },
      ...units.slice(0, 2).map((unit, place) => ({
        ...axis,
        scale: place === 0 ? 'y' : 'y2',
        side: place === 0 ? 3 : 1,
        ...(place > 0 && { grid: { show: false } }),
        size: axisSize,
        incrs: stepsOf(unit),
        /** @type {uPlot.Axis.DynamicValues} */
        values: (_, splits) => splits.map((value) => valueText(value, unit)),
      })),
    ],
    ...(x === 'day' && { tzDate: (/** @type {number} */ time) => uPlot.tzDate(new Date(time * 1000), 'Etc/UTC') }),
  };
}

/**
 * What the colours mean, and the figures under the pointer.
 * @param {HTMLElement} plot
 * @param {Chart} chart
 * @param {string[]} colours
 * @returns {(index: number | null) => void}
 */
function addReadout(plot, { x, times, series }, colours) {
  const readout = document.createElement('p');
  readout.className = 'readout';
  readout.setAttribute('aria-hidden', 'true');
  const at = document.createElement('span');
  at.className = 'muted';
  const values = series.map(({ label }, index) => {
    const swatch = document.createElement('i');
    swatch.style.background = colours[index] ?? '';
    const value = document.createElement('b');
    const item = document.createElement('span');
    item.append(swatch, label, ' ', value);
    readout.append(item);
    return value;
  });
  readout.append(at);
  plot.after(readout);
  return (index) => {
    at.textContent = index === null ? '' : timeText(times[index] ?? 0, x);
    for (const [place, { unit, values: figures }] of series.entries()) {
      const value = index === null ? undefined : (figures[index] ?? null);
      const text = value === undefined ? '' : value === null ? '–' : valueText(value, unit);
      if (values[place]) values[place].textContent = text;
    }
  };
}

/**
 * @param {HTMLElement} plot
 * @param {Series[]} series
 */
function coloursOf(plot, series) {
  const style = getComputedStyle(plot);
  return series.map(({ tone }, index) => style.getPropertyValue(`--chart-${tone ?? (index % PALETTE) + 1}`).trim());
}
