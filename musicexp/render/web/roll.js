/* What is seen: a piece's notes on a canvas, time to the right and pitch upwards, with its bars and a cursor.

   A click seeks, a drag chooses a passage, arrows go from beat to beat. Built on `Stage.timing`; colours are the page's
   variables (--one, --two ...), so that a roll suits a light and a dark page. */
const Roll = (() => {
  'use strict';

  const PARTS = ['--one', '--two', '--three', '--four', '--part5', '--part6', '--part7', '--part8'];
  const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];
  const BLACK = [1, 3, 6, 8, 10];
  const MARGIN = 2, FEWEST = 16; // semitones around the notes, and shown at least
  const RULER = 17, GUTTER = 30; // pixels for bar numbers above and pitch names at the left
  const SMALL = 110; // a lower roll has neither
  const LEAST_QUARTER = 11, MOST_QUARTER = 160; // pixels; below the first a piece is shown in pages
  const GRIP = 7, CLICK = 5; // pixels: how near an edge is held, and what is no drag yet
  const REST = 4000; // milliseconds that a view chosen by hand is left alone

  const pitchName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

  /** A canvas with as many dots as its screen has. */
  const sized = (canvas, width, height) => {
    const dots = globalThis.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
      canvas.width = Math.round(width * dots);
      canvas.height = Math.round(height * dots);
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  };

  /** The first note that may still sound at a place. */
  const firstAt = ({ notes, longest }, place) => {
    let low = 0, high = notes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (notes[middle].begin < place - longest) low = middle + 1; else high = middle;
    }
    return low;
  };

  /** What the pitches of a piece need, in MIDI numbers. */
  const compass = notes => {
    const low = notes.reduce((least, note) => Math.min(least, note.pitch), notes.length ? 127 : 60);
    const high = notes.reduce((most, note) => Math.max(most, note.pitch), notes.length ? 0 : 72);
    const spare = Math.max(0, FEWEST - (high - low + 1));
    return [low - MARGIN - Math.floor(spare / 2), high + MARGIN + Math.ceil(spare / 2)];
  };

  class Roll {
    /** @param host an element with a height of its own.
        @param told {seek(seconds), loop({from, to} or null), scrub: whether a drag seeks instead of choosing a passage}. */
    constructor(host, told = {}) {
      this.host = host;
      this.told = told;
      this.piece = null;
      this.passage = null;
      this.cursor = 0;
      this.scale = null; // pixels a second; null: the whole piece where it can be read, else pages
      this.left = 0;
      this.held = 0;
      this.followers = []; // called when what is shown changes
      this.movers = []; // called when the cursor does
      host.classList.add('roll-view');
      this.sheet = host.appendChild(document.createElement('canvas'));
      this.over = host.appendChild(document.createElement('canvas'));
      this.sheet.setAttribute('aria-hidden', 'true');
      this.over.setAttribute('aria-hidden', 'true');
      host.setAttribute('role', 'slider');
      host.setAttribute('aria-valuemin', '0');
      if (!host.hasAttribute('tabindex')) host.tabIndex = 0;
      new ResizeObserver(() => this.draw()).observe(host);
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
      this._listen();
    }

    show(piece) {
      this.piece = piece;
      this.timing = Stage.timing(piece);
      this.compass = compass(this.timing.notes);
      this.scale = null;
      this.left = 0;
      this.cursor = Math.min(this.cursor, this.timing.seconds);
      this.host.setAttribute('aria-valuemax', this.timing.seconds.toFixed(2));
      this.draw();
      this.speak();
    }

    /** Bar and beat of a place, both from 1. */
    where(place) {
      const { bar, beat, bars } = this.timing;
      const number = Math.min(Math.floor(place / bar + 1e-6), Math.max(0, bars - 1));
      return { bar: number + 1, beat: Math.floor((place - number * bar) / beat + 1e-6) + 1, bars };
    }

    /** Tell a screen reader the place; not while it moves by itself, or it would never be silent. */
    speak() {
      const { bar, beat, bars } = this.where(this.cursor);
      const { seconds, notes } = this.timing;
      this.host.setAttribute('aria-valuenow', this.cursor.toFixed(2));
      this.host.setAttribute('aria-valuetext', notes.length
        ? `bar ${bar} of ${bars}, beat ${beat}, ${clock(this.cursor)} of ${clock(seconds)}` : 'no notes');
    }

    /** Move the cursor; while `playing` the view goes with it. */
    place(seconds, playing) {
      this.cursor = seconds;
      if (!this.piece) return;
      const [from, to] = this.view();
      const away = seconds < from || seconds > to - (to - from) * 0.04;
      const turned = to - from < this.timing.seconds - 1e-6 && away && performance.now() - this.held > REST;
      if (turned) {
        this.left = seconds - (to - from) * (playing ? 0.06 : 0.3);
        this.draw();
      } else this._drawCursor();
      this.movers.forEach(move => move());
    }

    loop(passage) {
      this.passage = passage;
      this.draw();
    }

    /** Show `factor` times as much detail, around the cursor or a place. */
    zoom(factor, around = this.cursor) {
      const [from, to] = this.view();
      const share = clamp((around - from) / (to - from), 0, 1);
      const quarter = clamp(this.pixels() * factor * this.timing.quarter, this._fit() * this.timing.quarter, MOST_QUARTER);
      this.scale = quarter / this.timing.quarter;
      this.left = around - share * this.room / this.scale;
      this.draw();
    }

    /** Whether only a part is shown. */
    get zoomed() { return this.pixels() > this._fit() * 1.001; }

    /** All of it, however small, or pages in which notes can be told apart. */
    fit(whole = this.zoomed) {
      this.scale = whole ? this._fit() : Math.max(this._fit() * 2, LEAST_QUARTER * 3 / this.timing.quarter);
      this.left = this.cursor - this.room / this.scale * 0.3;
      this.draw();
    }

    /** Pixels a second. */
    pixels() { return Math.max(this.scale || Math.max(this._fit(), LEAST_QUARTER / this.timing.quarter), this._fit()); }

    /** What is shown: from and to, in seconds. */
    view() {
      const width = this.room / this.pixels();
      const from = clamp(this.left, 0, Math.max(0, this.timing.seconds - width));
      return [from, from + width];
    }

    scroll(seconds) {
      this.left = this.view()[0] + seconds;
      this.held = performance.now();
      this.draw();
    }

    get gutter() { return this.height < SMALL ? 0 : GUTTER; }
    get ruler() { return this.height < SMALL ? 0 : RULER; }
    get room() { return Math.max(1, this.width - this.gutter - 1); }
    get width() { return this.host.clientWidth; }
    get height() { return this.host.clientHeight; }
    _fit() { return this.room / Math.max(this.timing.seconds, this.timing.bar); }
    _x(seconds) { return this.gutter + (seconds - this.view()[0]) * this.pixels(); }
    _row() { return (this.height - this.ruler) / (this.compass[1] - this.compass[0] + 1); }
    _y(pitch) { return this.ruler + (this.compass[1] - pitch) * this._row(); }

    draw() {
      if (!this.piece || !this.width || !this.height) return;
      const pen = sized(this.sheet, this.width, this.height), look = getComputedStyle(this.host);
      const colour = name => look.getPropertyValue(name).trim();
      pen.font = `500 10.5px ${look.fontFamily}`;
      pen.textBaseline = 'middle';
      this.colours = { notes: PARTS.map(colour), cursor: colour('--ink'), lit: colour('--lit'), paper: colour('--card') };
      this._drawGround(pen, colour);
      this._drawBars(pen, colour);
      this._drawPassage(pen, colour);
      this._drawNotes(pen);
      this._drawNames(pen, colour);
      this._drawCursor();
      this.followers.forEach(follow => follow());
    }

    _drawGround(pen, colour) {
      const [low, high] = this.compass, row = this._row();
      pen.fillStyle = colour('--card');
      pen.fillRect(this.gutter, this.ruler, this.width, this.height);
      pen.fillStyle = colour('--black-keys');
      for (let pitch = low; pitch <= high; pitch += 1) {
        if (BLACK.includes(((pitch % 12) + 12) % 12)) pen.fillRect(this.gutter, this._y(pitch), this.width, row);
      }
    }

    _drawBars(pen, colour) {
      const { bar, beat, bars } = this.timing, [from, to] = this.view();
      const wide = bar * this.pixels();
      const line = (seconds, top, strength) => {
        pen.fillStyle = colour(strength);
        pen.fillRect(Math.round(this._x(seconds)), top, 1, this.height);
      };
      if (beat * this.pixels() > 9) {
        for (let k = Math.floor(from / beat); k * beat <= to; k += 1) line(k * beat, this.ruler, '--beat');
      }
      const every = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].find(n => n * wide > 7) || 1024;
      const told = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].find(n => n * wide > 30) || 1024;
      for (let k = Math.max(0, Math.floor(from / bar / every) * every); k <= bars && k * bar <= to; k += every) {
        line(k * bar, this.ruler - 5, '--bar');
        if (this.ruler && k % told === 0 && k < bars && this._x(k * bar) >= this.gutter) {
          pen.fillStyle = colour('--soft');
          pen.fillText(String(k + 1), this._x(k * bar) + 4, this.ruler / 2);
        }
      }
    }

    _drawPassage(pen, colour) {
      if (!this.passage || this.passage.whole) return;
      const [a, b] = [this._x(this.passage.from), this._x(this.passage.to)];
      pen.fillStyle = colour('--passage');
      pen.fillRect(Math.max(a, this.gutter), 0, b - Math.max(a, this.gutter), this.height);
      pen.fillStyle = colour('--two');
      [a, b].filter(x => x >= this.gutter).forEach(x => pen.fillRect(Math.round(x) - 1, 0, 2, this.height));
    }

    _box(pen, note) {
      const row = this._row(), x = this._x(note.begin), width = (note.end - note.begin) * this.pixels();
      const drawn = Math.max(1.5, width - (width > 5 ? 1.5 : 0.5)); // so that two of one pitch are seen to be two
      const inset = row > 5 ? 0.7 : 0;
      pen.beginPath();
      const round = (pen.roundRect || pen.rect).bind(pen); // older browsers: square corners
      round(x + 0.5, this._y(note.pitch) + inset, drawn, Math.max(1.5, row - 2 * inset), Math.min(2.5, row / 3, drawn / 2));
      pen.fill();
    }

    _drawNotes(pen) {
      const { notes } = this.timing, [from, to] = this.view();
      pen.save();
      pen.beginPath();
      pen.rect(this.gutter, 0, this.width, this.height);
      pen.clip();
      for (let k = firstAt(this.timing, from); k < notes.length && notes[k].begin <= to; k += 1) {
        pen.fillStyle = this.colours.notes[notes[k].part % PARTS.length];
        pen.globalAlpha = 0.5 + 0.5 * clamp(notes[k].velocity / 96, 0, 1);
        this._box(pen, notes[k]);
      }
      pen.restore();
    }

    _drawNames(pen, colour) {
      if (!this.gutter) return;
      const [low, high] = this.compass;
      pen.fillStyle = colour('--soft');
      pen.textAlign = 'right';
      for (let pitch = low; pitch <= high; pitch += 1) {
        const told = pitch % 12 === 0 || (this._row() * 5 > 26 && pitch % 12 === 7);
        if (told) pen.fillText(pitchName(pitch), this.gutter - 6, this._y(pitch) + this._row() / 2);
      }
      pen.textAlign = 'left';
    }

    _drawCursor() {
      if (!this.colours) return;
      const pen = sized(this.over, this.width, this.height), x = this._x(this.cursor);
      if (x < this.gutter - 1 || x > this.width + 1) return;
      const { notes } = this.timing;
      for (let k = firstAt(this.timing, this.cursor); k < notes.length && notes[k].begin <= this.cursor; k += 1) {
        if (notes[k].end <= this.cursor) continue;
        pen.fillStyle = this.colours.lit;
        this._box(pen, notes[k]);
      }
      pen.fillStyle = this.colours.cursor;
      pen.fillRect(x - 0.75, Math.max(0, this.ruler - 5), 1.5, this.height);
      if (!this.ruler) return;
      pen.beginPath();
      pen.moveTo(x - 5, this.ruler - 9);
      pen.lineTo(x + 5, this.ruler - 9);
      pen.lineTo(x, this.ruler - 2);
      pen.fill();
    }

    /** The seconds at a point of the page; `whole`: moved to the nearest beat. */
    at(clientX, whole = false) {
      const x = clientX - this.host.getBoundingClientRect().left - this.gutter;
      const seconds = clamp(this.view()[0] + x / this.pixels(), 0, this.timing.seconds);
      return whole ? clamp(Math.round(seconds / this.timing.beat) * this.timing.beat, 0, this.timing.seconds) : seconds;
    }

    _seek(seconds) {
      this.cursor = clamp(seconds, 0, this.timing.seconds);
      this.held = 0;
      if (this.told.seek) this.told.seek(this.cursor);
      this.place(this.cursor, false);
      this.speak();
    }

    _listen() {
      const { host } = this;
      host.addEventListener('pointerdown', event => this._press(event));
      host.addEventListener('keydown', event => this._key(event));
      host.addEventListener('wheel', event => {
        if (!this.piece) return;
        const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
        if (event.ctrlKey) this.zoom(Math.exp(-event.deltaY / 300), this.at(event.clientX));
        else if (sideways) this.scroll((event.deltaX || event.deltaY) / this.pixels());
        else return;
        event.preventDefault();
      }, { passive: false });
    }

    /** What a press begins: a new passage, a passage's edge, a scrub, or with a finger the turning of a long roll. */
    _press(event) {
      if (!this.piece || event.button > 0) return;
      const { host, passage } = this, top = event.clientY - host.getBoundingClientRect().top;
      const begun = event.clientX, first = this.at(begun, !event.altKey);
      const near = edge => passage && !passage.whole && Math.abs(this._x(edge) - (begun - host.getBoundingClientRect().left)) < GRIP;
      const edge = near(passage && passage.from) ? 'from' : near(passage && passage.to) ? 'to' : '';
      const kind = edge || (top < this.ruler || this.told.scrub || !this.told.loop ? 'scrub'
        : event.pointerType === 'touch' && this.zoomed ? 'pan' : 'passage');
      let moved = false, last = begun;
      host.setPointerCapture(event.pointerId);
      const move = now => {
        moved = moved || Math.abs(now.clientX - begun) > CLICK;
        if (!moved) return;
        const place = this.at(now.clientX, !now.altKey);
        if (kind === 'scrub') this._seek(this.at(now.clientX));
        else if (kind === 'pan') this.scroll((last - now.clientX) / this.pixels());
        else if (edge) this.loop({ ...passage, [edge]: place, whole: false });
        else this.loop({ from: Math.min(first, place), to: Math.max(first, place), whole: false });
        last = now.clientX;
      };
      const done = now => {
        ['pointermove', 'pointerup', 'pointercancel'].forEach(name => host.removeEventListener(name, name === 'pointermove' ? move : done));
        if (now.type === 'pointercancel') return this.loop(passage);
        if (!moved) return this._seek(this.at(now.clientX));
        if (kind === 'scrub' || kind === 'pan') return undefined;
        const [a, b] = [this.passage.from, this.passage.to].sort((one, other) => one - other);
        return this.told.loop(b - a > 1e-3 ? { from: a, to: b } : null);
      };
      host.addEventListener('pointermove', move);
      host.addEventListener('pointerup', done);
      host.addEventListener('pointercancel', done);
    }

    _key(event) {
      if (!this.piece || event.ctrlKey || event.metaKey || event.altKey) return;
      const { bar, beat, seconds } = this.timing;
      const by = event.shiftKey ? bar : beat;
      const go = { ArrowRight: this.cursor + by, ArrowLeft: this.cursor - by, PageDown: this.cursor + 4 * bar,
        PageUp: this.cursor - 4 * bar, Home: 0, End: Math.max(0, seconds - bar) }[event.key];
      if (go === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this._seek(go);
    }
  }

  /** The whole of a piece in a strip: what its roll shows of it, and the cursor. A press goes there. */
  class RollMap {
    constructor(host, roll) {
      Object.assign(this, { host, roll });
      host.classList.add('roll-map');
      host.setAttribute('aria-hidden', 'true'); // the roll says the same
      this.canvas = host.appendChild(document.createElement('canvas'));
      this.cursor = host.appendChild(document.createElement('i'));
      roll.followers.push(() => this.draw());
      roll.movers.push(() => this.move());
      new ResizeObserver(() => { if (roll.piece) this.draw(); }).observe(host);
      const seek = event => {
        if (!roll.piece || !(event.buttons & 1)) return;
        const box = host.getBoundingClientRect();
        roll._seek(clamp((event.clientX - box.left) / box.width, 0, 1) * roll.timing.seconds);
      };
      host.addEventListener('pointerdown', event => { host.setPointerCapture(event.pointerId); seek(event); });
      host.addEventListener('pointermove', seek);
    }

    get share() { return this.host.clientWidth / Math.max(this.roll.timing.seconds, 1e-6); }

    move() { this.cursor.style.transform = `translateX(${(this.roll.cursor * this.share).toFixed(1)}px)`; }

    draw() {
      const { host, canvas, roll, share } = this;
      if (!host.clientWidth || !roll.width) return;
      const width = host.clientWidth, height = host.clientHeight;
      const pen = sized(canvas, width, height), look = getComputedStyle(host);
      thumbnail(pen, roll.piece, width, height, PARTS.map(name => look.getPropertyValue(name).trim()));
      const [from, to] = roll.view();
      pen.fillStyle = look.getPropertyValue('--shown').trim();
      pen.fillRect(0, 0, from * share, height);
      pen.fillRect(to * share, 0, width, height);
      if (roll.passage && !roll.passage.whole) {
        pen.fillStyle = look.getPropertyValue('--passage').trim();
        pen.fillRect(roll.passage.from * share, 0, (roll.passage.to - roll.passage.from) * share, height);
      }
      this.move();
    }
  }

  /** A small picture of a piece. */
  const thumbnail = (pen, piece, width, height, colours) => {
    const { notes, seconds } = Stage.timing(piece), [low, high] = compass(notes);
    const row = height / (high - low + 1), share = width / Math.max(seconds, 1e-6);
    notes.forEach(note => {
      pen.fillStyle = colours[note.part % colours.length];
      pen.fillRect(note.begin * share, (high - note.pitch) * row, Math.max(1, (note.end - note.begin) * share - 0.5), Math.max(1, row));
    });
  };

  /** Draw a piece small on a canvas of its own. */
  const sketch = (canvas, piece) => {
    const look = getComputedStyle(canvas);
    thumbnail(sized(canvas, canvas.clientWidth, canvas.clientHeight), piece, canvas.clientWidth, canvas.clientHeight,
      PARTS.map(name => look.getPropertyValue(name).trim()));
  };

  return Object.assign(Roll, { Map: RollMap, sketch, pitchName, clock });
})();
