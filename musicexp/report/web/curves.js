/* Loss curves over each other: drag a range to look closer, move along to read every run's value at one place.

   `Curves.series` turns the page's data into arrays, `Curves.smoothed` and `Curves.nearest` compute; nothing else of the
   page is known here. Lines of thousands of points are drawn as the least and greatest value of each column of pixels. */
const Curves = (() => {
  'use strict';

  const MARGIN = { left: 52, right: 14, top: 12, bottom: 40 };
  const DASHES = [[], [7, 3], [2, 3]];
  const AXES = { iteration: 'iteration', tokens: 'tokens seen', seconds: 'time trained' };
  const CLICK = 5; // pixels: what is no drag yet
  const CLOSEST = 4; // a view holds at least so many of the smallest steps
  const ROOM = 0.06; // of the height, above and below the lines
  const LEAPS = 2.5; // pixels that a dense line goes up and down in a column, from which on it is drawn as an area
  const TINY = 1e-9;

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const element = (kind, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  };

  // --- arrays

  const floats = base64 => {
    const bytes = Uint8Array.from(atob(base64), sign => sign.charCodeAt(0)), view = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 4 }, (_, k) => view.getFloat32(4 * k, true));
  };

  /** [[first, step, count], ...] written out. */
  const unrolled = ranges => {
    const whole = new Float64Array(ranges.reduce((sum, [, , count]) => sum + count, 0));
    let k = 0;
    ranges.forEach(([first, step, count]) => { for (let n = 0; n < count; n += 1) whole[k++] = first + n * step; });
    return whole;
  };

  /** A curve as the page carries it, as arrays of one length; `low` and `high` where it is a mean. */
  const unpacked = curve => {
    const iteration = unrolled(curve.iteration);
    return {
      iteration,
      tokens: typeof curve.tokens === 'number' ? iteration.map(n => n * curve.tokens) : curve.tokens ? unrolled(curve.tokens) : null,
      seconds: Float64Array.from(floats(curve.seconds)),
      value: floats(curve.value),
      low: curve.low ? floats(curve.low) : null,
      high: curve.high ? floats(curve.high) : null,
    };
  };

  /** The mean of the points at most `reach` iterations away; near an end of fewer, as many on both sides. */
  const smoothed = (iterations, values, reach) => {
    if (!(reach > 0) || values.length < 3) return values;
    const sums = new Float64Array(values.length + 1), counts = new Uint32Array(values.length + 1);
    values.forEach((value, k) => {
      const known = Number.isFinite(value);
      sums[k + 1] = sums[k] + (known ? value : 0);
      counts[k + 1] = counts[k] + (known ? 1 : 0);
    });
    const last = values.length - 1, found = new Float32Array(values.length);
    let from = 0, to = 0;
    for (let k = 0; k <= last; k += 1) {
      const here = iterations[k], near = Math.min(reach, here - iterations[0], iterations[last] - here) + TINY;
      while (iterations[from] < here - near) from += 1;
      while (from > 0 && iterations[from - 1] >= here - near) from -= 1;
      while (to < last && iterations[to + 1] <= here + near) to += 1;
      while (iterations[to] > here + near) to -= 1;
      const count = counts[to + 1] - counts[from];
      found[k] = Number.isFinite(values[k]) && count ? (sums[to + 1] - sums[from]) / count : NaN;
    }
    return found;
  };

  /** The first index whose x is at least `x`. */
  const atLeast = (xs, x) => {
    let low = 0, high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle + 1; else high = middle;
    }
    return low;
  };

  /** The index of the point nearest to `x`; -1 where the curve has none within half a step of its ends. */
  const nearest = (xs, x) => {
    if (!xs.length) return -1;
    const k = atLeast(xs, x);
    const spare = xs.length > 1 ? (xs[xs.length - 1] - xs[0]) / (xs.length - 1) : TINY;
    if (k === xs.length) return x - xs[k - 1] <= spare ? k - 1 : -1;
    if (k === 0) return xs[0] - x <= spare ? 0 : -1;
    return x - xs[k - 1] < xs[k] - x ? k - 1 : k;
  };

  // --- words

  const figure = value => !Number.isFinite(value) ? '–' : Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
  const large = value => value >= 1e9 ? `${+(value / 1e9).toPrecision(4)} G` : value >= 1e6 ? `${+(value / 1e6).toPrecision(4)} M`
    : Math.round(value).toLocaleString('en');
  const lasting = value => value < 60 ? `${+value.toPrecision(3)} s` : value < 3600 ? `${+(value / 60).toPrecision(3)} min` : `${+(value / 3600).toPrecision(3)} h`;
  const place = (axis, x) => axis === 'seconds' ? lasting(x) : axis === 'tokens' ? `${large(x)} tokens` : `iteration ${Math.round(x).toLocaleString('en')}`;

  /** Round numbers between two ends, about `wanted` of them. */
  const ticks = (from, to, wanted, units = [1, 2, 5, 10]) => {
    const span = (to - from) / Math.max(1, wanted);
    if (!(span > 0)) return [from];
    const power = 10 ** Math.floor(Math.log10(span));
    const step = (units.find(unit => unit * power >= span - TINY) || 10) * power;
    const found = [];
    for (let k = Math.ceil(from / step - TINY); k * step <= to + step * TINY; k += 1) found.push(k * step);
    return found;
  };

  const timeTicks = (from, to, wanted) => {
    const unit = to > 7200 ? 3600 : to > 180 ? 60 : 1;
    return ticks(from / unit, to / unit, wanted).map(x => x * unit);
  };

  const logTicks = (from, to) => {
    const fine = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], coarse = [1, 2, 5];
    const decades = Math.log10(to / from);
    const found = [];
    for (let power = 10 ** Math.floor(Math.log10(from)); power <= to; power *= 10) {
      (decades < 1.2 ? fine : coarse).forEach(unit => { if (unit * power >= from && unit * power <= to) found.push(unit * power); });
    }
    return found.length >= 2 ? found : ticks(from, to, 5);
  };

  // --- the chart

  class Chart {
    /** @param host an element with a height of its own. @param data {entries, groups, baselines, unit, alone}. */
    constructor(host, data, told = {}) {
      Object.assign(this, { host, data, told });
      this.axis = 'iteration';
      this.log = false;
      this.sides = { train: true, val: true };
      this.single = false;
      this.lines = true; // baselines
      this.reach = 0;
      this.view = null; // [from, to] on the axis; null: all of it
      this.cursor = null;
      this.strong = null;
      this.pinch = new Map();
      this.wholes = new Map();
      this.sheet = host.appendChild(document.createElement('canvas'));
      this.over = host.appendChild(document.createElement('canvas'));
      [this.sheet, this.over].forEach(canvas => canvas.setAttribute('aria-hidden', 'true'));
      const make = (one, kind) => ({ ...one, kind, shown: true, curves: Object.fromEntries(
        Object.entries(one.curves).map(([side, curve]) => [side, unpacked(curve)])) });
      this.runs = data.runs.map(run => make(run, 'run'));
      this.groups = data.groups.map(group => group.runs.length > 1 ? make(group, 'group') : this.runs[group.runs[0]]);
      this.several = data.groups.some(group => group.runs.length > 1);
      new ResizeObserver(() => this.draw()).observe(host);
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
      this._listen();
    }

    /** What stands in the legend: configurations, or single runs. */
    get items() { return this.single || !this.several ? this.runs : this.groups; }

    has(side) { return this.items.some(item => item.curves[side] && item.curves[side].value.length); }

    /** Whether every curve knows its place on an axis. */
    knows(axis) { return this.items.every(item => Object.values(item.curves).every(curve => curve[axis])); }

    /** Every line that is shown: {item, side, xs, raw, line, low, high}. */
    drawn() {
      const found = [];
      ['train', 'val'].forEach(side => this.items.forEach(item => {
        const curve = item.curves[side];
        if (!this.sides[side] || !item.shown || !curve || !curve.value.length || !curve[this.axis]) return;
        const kept = curve.kept || (curve.kept = {});
        if (kept.reach !== this.reach) {
          const smooth = values => values && smoothed(curve.iteration, values, this.reach);
          Object.assign(kept, { reach: this.reach, line: smooth(curve.value), low: smooth(curve.low), high: smooth(curve.high) });
        }
        found.push({ item, side, xs: curve[this.axis], raw: curve.value, line: kept.line, low: kept.low, high: kept.high });
      }));
      // Of two sides one has bands, or nothing could be told apart.
      const first = found.some(line => line.side === 'val') ? 'val' : 'train';
      found.forEach(line => { line.banded = Boolean(line.low) && line.side === first; });
      return found;
    }

    /** The whole of the axis. */
    whole() {
      const known = this.axis + this.single; // asked for at every point that is drawn
      if (!this.wholes.has(known)) this.wholes.set(known, this._whole());
      return this.wholes.get(known);
    }

    _whole() {
      let from = Infinity, to = -Infinity;
      this.items.forEach(item => Object.values(item.curves).forEach(curve => {
        const xs = curve[this.axis];
        if (!xs || !xs.length) return;
        from = Math.min(from, xs[0]);
        to = Math.max(to, xs[xs.length - 1]);
      }));
      return from < to ? [from, to] : Number.isFinite(from) ? [from - 1, from + 1] : [0, 1];
    }

    range() { return this.view || this.whole(); }

    /** Values at a place of the axis, by item: {train, val}, with low and high of a mean. */
    values(x) {
      const found = new Map(this.items.map(item => [item, {}]));
      this.drawn().forEach(({ item, side, xs, raw, line, low, high }) => {
        const k = nearest(xs, x);
        if (k < 0) return;
        found.get(item)[side] = { x: xs[k], value: line[k], raw: raw[k], low: low ? low[k] : null, high: high ? high[k] : null };
      });
      return found;
    }

    look(view) {
      const [from, to] = this.whole();
      if (view) {
        const least = Math.min(to - from, this._step() * CLOSEST), width = clamp(view[1] - view[0], least, to - from);
        const left = clamp(view[0], from, to - width);
        view = width >= (to - from) * (1 - 1e-6) ? null : [left, left + width];
      }
      this.view = view;
      this.draw();
      if (this.told.looked) this.told.looked(Boolean(view));
    }

    zoom(factor, around) {
      const [from, to] = this.range();
      const middle = around === undefined ? (this.cursor === null ? (from + to) / 2 : clamp(this.cursor, from, to)) : around;
      const width = (to - from) / factor, share = (middle - from) / (to - from);
      this.look([middle - share * width, middle + (1 - share) * width]);
    }

    pan(share) {
      const [from, to] = this.range(), by = (to - from) * share;
      if (this.view) this.look([from + by, to + by]);
    }

    /** Another axis: the same part of the first curve is shown, as far as it can be. */
    useAxis(axis) {
      const first = this.items.flatMap(item => Object.values(item.curves)).find(curve => curve.value.length);
      const moved = x => { const k = nearest(first[this.axis], x); return k < 0 ? null : first[axis][k]; };
      const view = this.view && first ? this.view.map(moved) : null, cursor = this.cursor !== null && first ? moved(this.cursor) : null;
      this.axis = axis;
      this.cursor = cursor;
      this.look(view && view[0] !== null && view[1] !== null && view[1] > view[0] ? view : null);
      this._tell();
    }

    _step() {
      let least = Infinity;
      this.items.forEach(item => Object.values(item.curves).forEach(curve => {
        const xs = curve[this.axis];
        if (xs && xs.length > 1) least = Math.min(least, (xs[xs.length - 1] - xs[0]) / (xs.length - 1));
      }));
      return Number.isFinite(least) ? least : TINY;
    }

    get width() { return this.host.clientWidth; }
    get height() { return this.host.clientHeight; }
    get inner() { return Math.max(10, this.width - MARGIN.left - MARGIN.right); }
    get tall() { return Math.max(10, this.height - MARGIN.top - MARGIN.bottom); }
    _x(x) { const [from, to] = this.range(); return MARGIN.left + (x - from) / (to - from) * this.inner; }
    _at(clientX) {
      const [from, to] = this.range(), share = (clientX - this.host.getBoundingClientRect().left - MARGIN.left) / this.inner;
      return from + clamp(share, 0, 1) * (to - from);
    }
    _y(y) {
      const [low, high] = this.reachY, scale = this.log ? Math.log : Number;
      return MARGIN.top + this.tall * (1 - (scale(Math.max(y, this.log ? TINY : y)) - scale(low)) / (scale(high) - scale(low)));
    }

    _baselines() {
      if (!this.lines || !this.sides.val) return [];
      return this.data.baselines.filter(line => line.runs.some(k => this.items.some(item => item.shown && (item.kind === 'run' ? item.place === k : item.runs.includes(k)))));
    }

    /** Lowest and highest of what is in view. */
    _fitY(drawn) {
      const [from, to] = this.range();
      let low = Infinity, high = -Infinity;
      const take = value => { if (Number.isFinite(value) && (!this.log || value > 0)) { if (value < low) low = value; if (value > high) high = value; } };
      drawn.forEach(({ xs, line, low: below, high: above, banded }) => {
        const end = Math.min(xs.length, atLeast(xs, to) + 1);
        for (let k = Math.max(0, atLeast(xs, from) - 1); k < end; k += 1) {
          take(line[k]);
          if (banded) { take(below[k]); take(above[k]); }
        }
      });
      if (Number.isFinite(low)) { // a line far above would press all curves to the floor
        const spare = (high - low) * 0.5;
        this._baselines().forEach(line => { if (line.value <= high + spare && line.value >= low - spare) take(line.value); });
      }
      if (!Number.isFinite(low)) return [this.log ? 0.1 : 0, 1];
      if (high - low < TINY) return [low * 0.95 - (this.log ? 0 : 0.05), high * 1.05 + 0.05];
      if (this.log) { const room = (high / low) ** ROOM; return [low / room, high * room]; }
      const room = (high - low) * ROOM;
      return [low - room, high + room];
    }

    draw(dots = globalThis.devicePixelRatio || 1) {
      const { width, height } = this;
      if (!width || !height) return;
      const drawn = this.drawn();
      this.reachY = this._fitY(drawn);
      this.dots = dots;
      const pen = this._pen(this.sheet), look = getComputedStyle(this.host);
      this.colour = name => look.getPropertyValue(name).trim();
      pen.font = `11px ${look.fontFamily}`;
      this._drawGrid(pen);
      pen.save();
      pen.beginPath();
      pen.rect(MARGIN.left, MARGIN.top, this.inner, this.tall);
      pen.clip();
      this._drawBaselines(pen);
      drawn.forEach(line => this._drawBand(pen, line));
      if (this.reach > 0) drawn.forEach(line => this._drawLine(pen, line, line.raw, true));
      drawn.filter(line => line.item !== this.strong).concat(drawn.filter(line => line.item === this.strong))
        .forEach(line => this._drawLine(pen, line, line.line, false));
      pen.restore();
      this._nameBaselines(pen);
      if (!drawn.length) {
        pen.fillStyle = this.colour('--soft');
        pen.textAlign = 'center';
        pen.fillText(this.data.runs.some(run => Object.keys(run.curves).length) ? 'No curve is chosen.' : 'These runs have logged no curve.', width / 2, height / 2);
        pen.textAlign = 'left';
      }
      this.drawCursor();
    }

    _pen(canvas) {
      const { width, height, dots } = this;
      canvas.width = Math.round(width * dots);
      canvas.height = Math.round(height * dots);
      const pen = canvas.getContext('2d');
      pen.setTransform(dots, 0, 0, dots, 0, 0);
      pen.lineJoin = 'round';
      return pen;
    }

    _drawGrid(pen) {
      const [from, to] = this.range(), [low, high] = this.reachY, floor = MARGIN.top + this.tall;
      pen.textBaseline = 'middle';
      pen.textAlign = 'right';
      const lines = this.log ? logTicks(low, high) : ticks(low, high, this.tall / 52);
      const digits = this.log || lines.length < 2 ? null : Math.max(0, -Math.floor(Math.log10(lines[1] - lines[0]) + TINY));
      lines.forEach(y => {
        pen.fillStyle = this.colour('--line');
        pen.fillRect(MARGIN.left, Math.round(this._y(y)), this.inner, 1);
        pen.fillStyle = this.colour('--soft');
        pen.fillText(digits === null ? String(+y.toPrecision(3)) : y.toFixed(digits), MARGIN.left - 8, this._y(y));
      });
      pen.textAlign = 'center';
      const wanted = this.inner / 100;
      const unit = this.axis === 'seconds' ? lasting : large;
      (this.axis === 'seconds' ? timeTicks(from, to, wanted) : ticks(from, to, wanted)).forEach(x => {
        if (this.axis === 'iteration' && x % 1) return;
        pen.fillStyle = this.colour('--soft');
        pen.fillRect(Math.round(this._x(x)), floor, 1, 4);
        pen.fillText(unit(x), clamp(this._x(x), MARGIN.left, this.width - 22), floor + 13);
      });
      pen.fillRect(MARGIN.left, floor, this.inner, 1);
      pen.fillText(AXES[this.axis], MARGIN.left + this.inner / 2, floor + 30);
      pen.textAlign = 'left';
    }

    /** A baseline of some runs alone bears their colour. */
    _hue(line) {
      const own = new Set(line.runs.map(k => this.runs[k].colour));
      return this.colour(line.runs.length < this.runs.length && own.size === 1 ? `--run${[...own][0]}` : '--soft');
    }

    _drawBaselines(pen) {
      pen.strokeStyle = this.colour('--soft');
      pen.lineWidth = 1;
      pen.setLineDash([2, 4]);
      this._baselines().forEach(line => {
        pen.strokeStyle = this._hue(line);
        pen.beginPath();
        pen.moveTo(MARGIN.left, this._y(line.value));
        pen.lineTo(this.width, this._y(line.value));
        pen.stroke();
      });
      pen.setLineDash([]);
    }

    /** Names of the lines at the right, where they do not stand in each other. */
    _nameBaselines(pen) {
      const taken = [];
      pen.textAlign = 'right';
      pen.textBaseline = 'bottom';
      this._baselines().forEach(line => {
        const y = this._y(line.value) - 2;
        if (y < MARGIN.top + 8 || y > MARGIN.top + this.tall || taken.some(other => Math.abs(other - y) < 13)) return;
        taken.push(y);
        pen.lineWidth = 3;
        pen.strokeStyle = this.colour('--card');
        pen.strokeText(line.name, this.width - MARGIN.right - 4, y);
        pen.fillStyle = this._hue(line);
        pen.fillText(line.name, this.width - MARGIN.right - 4, y);
      });
      pen.textAlign = 'left';
    }

    /** Columns of pixels with the least, greatest, first and last value of each; or null where points are few. */
    _columns(xs, values) {
      const [from, to] = this.range();
      const first = Math.max(0, atLeast(xs, from) - 1), end = Math.min(xs.length, atLeast(xs, to) + 1);
      if (end - first < this.inner * 2) return { first, end, columns: null };
      const columns = [], scale = this.inner / (to - from); // `_x` for each of so many points would take most of the time
      let last = null;
      for (let k = first; k < end; k += 1) {
        const value = values[k];
        if (!Number.isFinite(value)) { last = null; continue; }
        const x = Math.round(MARGIN.left + (xs[k] - from) * scale);
        if (last && last.x === x) {
          if (value < last.low) last.low = value;
          if (value > last.high) last.high = value;
          last.close = value;
        } else {
          const gap = !last;
          last = { x, low: value, high: value, open: value, close: value, gap };
          columns.push(last);
        }
      }
      return { first, end, columns };
    }

    /** The line, or where points are dense and leap about the area that they cover. */
    _trace(pen, xs, values) {
      const { first, end, columns } = this._columns(xs, values);
      if (columns) {
        const tall = columns.map(({ low, high }) => this._y(low) - this._y(high));
        if (tall.reduce((sum, one) => sum + one, 0) > LEAPS * columns.length) return this._cover(pen, columns);
        columns.forEach(({ x, low, high, gap }) => {
          const y = (this._y(low) + this._y(high)) / 2;
          if (gap) pen.moveTo(x, y); else pen.lineTo(x, y);
        });
        return pen.stroke();
      }
      let gap = true;
      for (let k = first; k < end; k += 1) {
        const known = Number.isFinite(values[k]);
        if (known) { if (gap) pen.moveTo(this._x(xs[k]), this._y(values[k])); else pen.lineTo(this._x(xs[k]), this._y(values[k])); }
        gap = !known;
      }
      return pen.stroke();
    }

    /** To stroke a line that goes up and down a thousand times takes a hundred times as long as to fill its area. */
    _cover(pen, columns) {
      pen.fillStyle = pen.strokeStyle;
      let from = 0;
      columns.forEach((column, k) => {
        if (k + 1 < columns.length && !columns[k + 1].gap) return;
        const some = columns.slice(from, k + 1);
        some.forEach(({ x, high }, n) => { const y = this._y(high) - 0.6; if (n) pen.lineTo(x, y); else pen.moveTo(x, y); });
        some.reverse().forEach(({ x, low }) => pen.lineTo(x, this._y(low) + 0.6));
        pen.closePath();
        from = k + 1;
      });
      pen.fill();
    }

    _drawLine(pen, { item, side, xs }, values, faint) {
      const both = this.sides.train && this.sides.val && this.has('train') && this.has('val');
      const pale = both && side === 'train', away = this.strong && this.strong !== item;
      pen.strokeStyle = this.colour(`--run${item.colour}`);
      pen.globalAlpha = (faint ? 0.16 : pale ? 0.55 : 1) * (away ? 0.22 : 1);
      pen.lineWidth = faint ? 1 : (pale ? 1.1 : 1.8) * (this.strong === item ? 1.5 : 1);
      pen.setLineDash(faint ? [] : DASHES[item.dash]);
      pen.beginPath();
      this._trace(pen, xs, values);
      pen.setLineDash([]);
      const [from, to] = this.range(), few = atLeast(xs, to) - atLeast(xs, from) < this.inner / 14;
      if (few && !faint) this._dot(pen, xs, values, 2.2);
      pen.globalAlpha = 1;
    }

    _dot(pen, xs, values, radius) {
      pen.fillStyle = pen.strokeStyle;
      const [from, to] = this.range();
      for (let k = atLeast(xs, from); k < xs.length && xs[k] <= to; k += 1) {
        if (!Number.isFinite(values[k])) continue;
        pen.beginPath();
        pen.arc(this._x(xs[k]), this._y(values[k]), radius, 0, 7);
        pen.fill();
      }
    }

    _drawBand(pen, { item, xs, low, high, banded }) {
      if (!banded) return;
      const below = this._columns(xs, low), above = this._columns(xs, high);
      const edge = ({ first, end, columns }, values, of) => columns ? columns.map(column => [column.x, this._y(column[of])])
        : Array.from({ length: end - first }, (_, k) => [this._x(xs[first + k]), this._y(values[first + k])]).filter(([, y]) => Number.isFinite(y));
      const path = [...edge(above, high, 'high'), ...edge(below, low, 'low').reverse()];
      if (path.length < 3) return;
      pen.fillStyle = this.colour(`--run${item.colour}`);
      pen.globalAlpha = this.strong && this.strong !== item ? 0.05 : 0.16;
      pen.beginPath();
      path.forEach(([x, y], k) => { if (k) pen.lineTo(x, y); else pen.moveTo(x, y); });
      pen.fill();
      pen.globalAlpha = 1;
    }

    drawCursor() {
      const pen = this._pen(this.over);
      if (this.dragged) {
        const [a, b] = this.dragged.map(x => this._x(x));
        pen.fillStyle = this.colour('--chosen');
        pen.fillRect(Math.min(a, b), MARGIN.top, Math.abs(b - a), this.tall);
      }
      if (this.cursor === null) return;
      const x = this._x(this.cursor);
      if (x < MARGIN.left - 1 || x > this.width - MARGIN.right + 1) return;
      pen.fillStyle = this.colour('--soft');
      pen.fillRect(Math.round(x), MARGIN.top, 1, this.tall);
      this.values(this.cursor).forEach((sides, item) => Object.values(sides).forEach(({ x: own, value }) => {
        if (!Number.isFinite(value)) return;
        pen.beginPath();
        pen.arc(this._x(own), this._y(value), 3.5, 0, 7);
        pen.fillStyle = this.colour(`--run${item.colour}`);
        pen.strokeStyle = this.colour('--card');
        pen.lineWidth = 1.5;
        pen.fill();
        pen.stroke();
      }));
    }

    /** Read the values at a place; null for none. */
    read(x) {
      this.cursor = x;
      this.drawCursor();
      this._tell();
    }

    _tell() { if (this.told.read) this.told.read(this.cursor, this.cursor === null ? null : this.values(this.cursor)); }

    _listen() {
      const { host } = this;
      host.addEventListener('pointerdown', event => this._press(event));
      host.addEventListener('pointermove', event => { if (event.pointerType !== 'touch' && !this.dragging) this.read(this._at(event.clientX)); });
      host.addEventListener('pointerleave', event => { if (event.pointerType !== 'touch' && !this.dragging && document.activeElement !== host) this.read(null); });
      host.addEventListener('dblclick', () => this.look(null));
      host.addEventListener('keydown', event => this._key(event));
      host.addEventListener('blur', () => this.read(null));
      host.addEventListener('wheel', event => {
        // A wheel over the chart turns the page as everywhere, unless the chart was chosen before.
        if (!event.ctrlKey && document.activeElement !== host) return;
        event.preventDefault();
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / this.inner);
        else this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 150 : 400)), this._at(event.clientX));
      }, { passive: false });
    }

    /** A drag chooses a range; one finger reads along, two look closer. */
    _press(event) {
      if (event.button > 0) return;
      const { host } = this;
      this.pinch.set(event.pointerId, event.clientX);
      host.setPointerCapture(event.pointerId);
      this.dragging = true;
      const touch = event.pointerType === 'touch', begun = event.clientX, first = this._at(begun);
      let apart = this.pinch.size === 2 ? this._apart() : 0;
      if (touch) this.read(first);
      const move = now => {
        if (now.pointerId !== event.pointerId) return;
        this.pinch.set(now.pointerId, now.clientX);
        if (this.pinch.size === 2) {
          const wide = this._apart();
          const middle = [...this.pinch.values()].reduce((sum, x) => sum + x / 2, 0);
          if (apart > 8 && wide > 8) this.zoom(wide / apart, this._at(middle));
          apart = wide;
        } else if (touch) this.read(this._at(now.clientX));
        else if (Math.abs(now.clientX - begun) > CLICK) {
          this.dragged = [first, this._at(now.clientX)];
          this.read(this.dragged[1]);
        }
      };
      const done = now => {
        if (now.pointerId !== event.pointerId) return;
        ['pointermove', 'pointerup', 'pointercancel'].forEach(name => host.removeEventListener(name, name === 'pointermove' ? move : done));
        this.pinch.delete(now.pointerId);
        this.dragging = this.pinch.size > 0;
        const chosen = this.dragged;
        this.dragged = null;
        if (chosen && now.type === 'pointerup') this.look(chosen.sort((a, b) => a - b)); else this.drawCursor();
      };
      host.addEventListener('pointermove', move);
      host.addEventListener('pointerup', done);
      host.addEventListener('pointercancel', done);
    }

    _apart() { const [a, b] = [...this.pinch.values()]; return Math.abs(a - b); }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [from, to] = this.range(), step = (to - from) / 100;
      const here = this.cursor === null ? from + (to - from) / 2 : this.cursor;
      const act = {
        ArrowLeft: () => event.shiftKey ? this.pan(-0.1) : this.read(clamp(here - step, from, to)),
        ArrowRight: () => event.shiftKey ? this.pan(0.1) : this.read(clamp(here + step, from, to)),
        Home: () => this.read(from), End: () => this.read(to),
        '+': () => this.zoom(1.5), '=': () => this.zoom(1.5), '-': () => this.zoom(1 / 1.5), _: () => this.zoom(1 / 1.5),
        0: () => this.look(null), Escape: () => this.look(null),
      }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  }

  return { Chart, element, unpacked, smoothed, nearest, figure, place, DASHES };
})();
