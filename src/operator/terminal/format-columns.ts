// A table aligned by what a terminal shows. Where it is too wide, columns are narrowed as far as they may be; then the least important go.

import { cutToWidth, displayWidth } from './display-width.ts';
import type { Style, View } from './styles.ts';

export interface Column<Row> {
  title: string;
  /** Inert text. */
  text: (row: Row) => string;
  style?: (row: Row) => Style | undefined;
  isNumber?: boolean;
  /** To how many cells it may be narrowed; without it, not at all. */
  narrowest?: number;
  /** The lowest is narrowed first, and goes first; without it, it stays. */
  rank?: number;
}

interface Measured<Row> {
  column: Column<Row>;
  texts: string[];
  width: number;
}

const GAP = '  ';
const MOST_IMPORTANT = Number.MAX_SAFE_INTEGER;

/** The line of titles, then one line for each row. */
export function formatColumns<Row>(columns: readonly Column<Row>[], rows: readonly Row[], view: View): string[] {
  const measured = columns.map((column) => {
    const texts = rows.map(column.text);
    return { column, texts, width: Math.max(displayWidth(column.title), ...texts.map(displayWidth)) };
  });
  const fitting = fit(measured, view.columns ?? Number.POSITIVE_INFINITY);
  const head = fitting.map(({ column, width }) => place(column.title, width, column, undefined, view));
  return [
    view.paint('dim', head.join(GAP).trimEnd()),
    ...rows.map((row, index) =>
      fitting
        .map(({ column, texts, width }) => place(texts[index] ?? '', width, column, column.style?.(row), view))
        .join(GAP)
        .trimEnd(),
    ),
  ];
}

function fit<Row>(columns: readonly Measured<Row>[], most: number): Measured<Row>[] {
  let excess = columns.reduce((sum, { width }) => sum + width, GAP.length * (columns.length - 1)) - most;
  const byImportance = columns.toSorted(byRank);
  const widths = new Map<Measured<Row>, number>();
  for (const measured of byImportance) {
    const taken = Math.min(Math.max(0, excess), measured.width - narrowestOf(measured));
    excess -= taken;
    widths.set(measured, measured.width - taken);
  }
  const [least] = byImportance;
  if (excess > 0 && least?.column.rank !== undefined) {
    return fit(
      columns.filter((measured) => measured !== least),
      most,
    );
  }
  return columns.map((measured) => ({ ...measured, width: widths.get(measured) ?? measured.width }));
}

/** Its title stays whole. */
function narrowestOf<Row>({ column: { narrowest, title }, width }: Measured<Row>): number {
  return narrowest === undefined ? width : Math.min(width, Math.max(narrowest, displayWidth(title)));
}

function byRank<Row>(left: Measured<Row>, right: Measured<Row>): number {
  return (left.column.rank ?? MOST_IMPORTANT) - (right.column.rank ?? MOST_IMPORTANT);
}

function place<Row>(text: string, width: number, column: Column<Row>, style: Style | undefined, view: View): string {
  const cut = cutToWidth(text, width);
  const padding = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  const painted = style === undefined || cut === '' ? cut : view.paint(style, cut);
  return column.isNumber ? padding + painted : painted + padding;
}
