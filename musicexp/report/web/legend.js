/* What stands around the curves: which are shown, on which axis, how smooth; and every run's value at a place. */
const Legend = (() => {
  'use strict';

  const { element, figure } = Curves;
  const MOST_REACH = 0.1; // of a curve's length
  const SMOOTHEST = 20; // positions of the slider
  const FEW = 4; // so many configurations show both sides at first
  const SIDES = { train: 'train', val: 'validation' };

  /** A line as the chart draws it. */
  const swatch = item => {
    const drawn = element('canvas', { className: 'swatch', width: 44, height: 16 });
    drawn.setAttribute('aria-hidden', 'true');
    const draw = () => {
      const pen = drawn.getContext('2d');
      pen.setTransform(2, 0, 0, 2, 0, 0);
      pen.clearRect(0, 0, 22, 8);
      pen.strokeStyle = getComputedStyle(drawn).getPropertyValue(`--run${item.colour}`).trim();
      pen.lineWidth = 2.4;
      pen.setLineDash(Curves.DASHES[item.dash]);
      pen.beginPath();
      pen.moveTo(0, 4);
      pen.lineTo(22, 4);
      pen.stroke();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    requestAnimationFrame(draw);
    return drawn;
  };

  class Legend {
    constructor(data) {
      this.data = data;
      const at = id => document.getElementById(id);
      this.at = at;
      this.rows = new Map();
      this.chart = new Curves.Chart(at('chart'), data, {
        read: (x, values) => this.tell(x, values),
        looked: zoomed => { at('whole').hidden = !zoomed; },
      });
      const longest = Math.max(1, ...data.runs.flatMap(run => Object.values(run.curves)).map(curve => curve.length));
      this.reaches = Array.from({ length: SMOOTHEST + 1 }, (_, k) => k ? Math.max(1, Math.round(longest ** (k / SMOOTHEST) * MOST_REACH ** (k / SMOOTHEST))) : 0);
      this._start();
      this._list();
      this._buttons();
    }

    _start() {
      const { chart, at } = this;
      const train = chart.has('train'), val = chart.has('val');
      chart.sides = { train: train && (!val || chart.items.length <= FEW) && !this.data.val_only, val };
      at('train').disabled = !train || this.data.val_only;
      at('val').disabled = !val;
      at('axis-tokens').disabled = !chart.knows('tokens');
      at('single-label').hidden = !chart.several;
      at('baselines-label').hidden = !this.data.baselines.length;
      if (this.data.alone) chart.items.forEach((item, k) => { item.shown = k === 0; });
      const wanted = train && chart.sides.train ? Math.round(SMOOTHEST * 0.55) : 0;
      at('smooth').value = String(wanted);
      this._smooth();
    }

    _list() {
      const { chart, at } = this;
      this.rows.clear();
      const rows = chart.items.map(item => {
        const box = element('input', { type: this.data.alone ? 'radio' : 'checkbox', name: 'shown', checked: item.shown });
        const words = element('bdi', { className: 'who', textContent: item.label, title: item.label });
        const number = element('span', { className: `chip run${item.colour}`, textContent: item.numbers });
        const values = element('span', { className: 'values' });
        const row = element('label', { className: 'item' }, box, swatch(item), number, words, values);
        box.addEventListener('change', () => {
          if (this.data.alone) chart.items.forEach(other => { other.shown = other === item; });
          else item.shown = box.checked;
          chart.draw();
          this.tell(chart.cursor, chart.cursor === null ? null : chart.values(chart.cursor));
        });
        const strong = on => { chart.strong = on ? item : null; chart.draw(); };
        row.addEventListener('pointerenter', event => { if (event.pointerType !== 'touch') strong(true); });
        row.addEventListener('pointerleave', () => { if (chart.strong === item) strong(false); });
        this.rows.set(item, { values, row });
        return element('li', {}, row);
      });
      at('items').replaceChildren(...rows);
      at('all-label').hidden = this.data.alone || chart.items.length < 3;
      this.tell(null, null);
    }

    /** Values of all runs at a place; without one, the last of each. */
    tell(x, values) {
      const { chart, at } = this;
      at('where').textContent = x === null ? `last value, ${this.data.unit}` : `${Curves.place(chart.axis, x)}, ${this.data.unit}`;
      const several = chart.sides.train && chart.sides.val;
      this.rows.forEach(({ values: cell, row }, item) => {
        const sides = values ? values.get(item) || {} : this._last(item);
        row.classList.toggle('away', !item.shown);
        const told = Object.entries(SIDES).filter(([side]) => chart.sides[side] && item.shown).map(([side]) => {
          const found = sides[side];
          const spread = found && found.low !== null && found.low !== undefined ? ` ± ${figure((found.high - found.low) / 2)}` : '';
          const value = element('b', { textContent: found ? figure(found.value) + spread : '–' });
          return several ? element('span', { className: 'side' }, element('small', { textContent: SIDES[side] }), value) : element('span', { className: 'side' }, value);
        });
        cell.replaceChildren(...told);
        row.classList.toggle('two-lines', several);
      });
      const host = at('chart');
      if (document.activeElement === host && x !== null) {
        at('said').textContent = `${Curves.place(chart.axis, x)}: ${[...this.rows].filter(([item]) => item.shown)
          .map(([item, { values: cell }]) => `${item.label} ${cell.textContent}`).join(', ')}`;
      }
    }

    _last(item) {
      return Object.fromEntries(this.chart.drawn().filter(line => line.item === item).map(({ side, line, low, high }) => {
        const k = line.length - 1;
        return [side, { value: line[k], low: low ? low[k] : null, high: high ? high[k] : null }];
      }));
    }

    _smooth() {
      const { at, chart } = this;
      chart.reach = this.reaches[Number(at('smooth').value)];
      at('smooth-told').textContent = chart.reach ? `over ${(2 * chart.reach + 1).toLocaleString('en')} iterations` : 'off';
      at('smooth').setAttribute('aria-valuetext', at('smooth-told').textContent);
    }

    _again() {
      const { chart } = this;
      chart.draw();
      this.tell(chart.cursor, chart.cursor === null ? null : chart.values(chart.cursor));
    }

    _buttons() {
      const { at, chart } = this;
      ['train', 'val'].forEach(side => {
        at(side).checked = chart.sides[side];
        at(side).addEventListener('change', () => { chart.sides[side] = at(side).checked; this._again(); });
      });
      document.querySelectorAll('input[name=axis]').forEach(box =>
        box.addEventListener('change', () => chart.useAxis(box.value)));
      at('log').addEventListener('change', () => { chart.log = at('log').checked; this._again(); });
      at('baselines').addEventListener('change', () => { chart.lines = at('baselines').checked; this._again(); });
      at('single').addEventListener('change', () => { chart.single = at('single').checked; this._list(); this._again(); });
      at('smooth').addEventListener('input', () => { this._smooth(); this._again(); });
      at('whole').addEventListener('click', () => chart.look(null));
      at('all').addEventListener('change', () => {
        chart.items.forEach(item => { item.shown = at('all').checked; });
        at('items').querySelectorAll('input').forEach(box => { box.checked = at('all').checked; });
        this._again();
      });
    }
  }

  return Legend;
})();
