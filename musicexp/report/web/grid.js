/* The samples in a grid with one play head for all: another run is another voice at the same place. */
const Grid = (() => {
  'use strict';

  const { element } = Curves;
  const BREATH = 0.7; // seconds between two runs that follow by themselves
  const SLOWER = 0.05;

  class Grid {
    /** @param music {banks, pieces}: a piece's id is "row/run". */
    constructor(music) {
      this.at = id => document.getElementById(id);
      this.stage = new Stage(music.banks);
      this.pieces = new Map(music.pieces.map(piece => [piece.id, piece]));
      this.current = null;
      this.sheets = new Map(); // addresses of scores
      this.turn = false; // whether the row's runs are played one after the other
      this.cells = new Map();
      document.querySelectorAll('.cell[data-piece]').forEach(cell => {
        const piece = this.pieces.get(cell.dataset.piece);
        if (!piece) return;
        this.cells.set(piece, cell);
        cell.addEventListener('click', () => this.press(piece));
      });
      this.rows = [...new Set([...this.cells.values()].map(cell => cell.dataset.row))];
      this.roll = new Roll(this.at('roll'), { seek: seconds => this.stage.seek(seconds), scrub: true });
      this._sketch();
      this._buttons();
      this._follow();
      const first = this.cells.keys().next();
      if (!first.done) this.choose(first.value);
      this._state();
    }

    rowOf(piece) { return this.cells.get(piece).dataset.row; }
    columnOf(piece) { return this.cells.get(piece).dataset.column; }
    members(row) { return [...this.cells].filter(([, cell]) => cell.dataset.row === row).map(([piece]) => piece); }

    /** Hear a piece: at the place where the other one was. `from`: at a place of its own. */
    choose(piece, { from } = {}) {
      if (!piece) return;
      if (this.current) this.cells.get(this.current).removeAttribute('aria-current');
      this.current = piece;
      const cell = this.cells.get(piece);
      cell.setAttribute('aria-current', 'true');
      if (this.stage.piece !== piece || from !== undefined) this.stage.switchTo(piece, from === undefined ? {} : { from });
      this.at('roll').className = `roll-view ${cell.dataset.colour}`;
      this.at('now-chip').className = `chip ${cell.dataset.colour}`;
      this.at('now-chip').textContent = cell.dataset.number || '♪';
      this.at('now-name').textContent = cell.dataset.name;
      this.at('now-facts').textContent = [cell.dataset.title, ...piece.facts.map(([name, value]) => `${name} ${value}`)].join(' · ');
      this.roll.show(piece);
      this.roll.host.setAttribute('aria-label', `Place in ${piece.title}`);
      this.at('nothing').hidden = piece.notes.length > 0;
      this.showScore();
      this._markRow();
      this._time();
    }

    /** A click: another piece goes on at the same place; the same one stops or starts. */
    press(piece) {
      this.turn = false;
      if (piece === this.current) { this.stage.toggle(); return; }
      this.choose(piece);
      if (!this.stage.playing) this.stage.play();
      this._state();
    }

    /** The run of a number from 1, in the row that is heard. */
    run(number) {
      const cell = document.querySelector(`.cell[data-row="${this.row}"][data-number="${number}"]`);
      const piece = cell && this.pieces.get(cell.dataset.piece);
      if (piece) this.choose(piece); else this._say(`Run ${number} has no melody in this row`);
    }

    get row() { return this.current ? this.rowOf(this.current) : this.rows[0]; }

    /** Another row, the same run if it has one there. */
    move(by) {
      const k = this.rows.indexOf(this.row) + by;
      if (k < 0 || k >= this.rows.length) return;
      const column = this.columnOf(this.current), there = this.members(this.rows[k]);
      this.turn = false;
      this.choose(there.find(piece => this.columnOf(piece) === column) || there[0], { from: 0 });
      this._state();
      this.cells.get(this.current).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }

    /** Another run of the row, to the left or right. */
    aside(by) {
      const there = this.members(this.row), k = there.indexOf(this.current) + by;
      if (there[k]) this.choose(there[k]);
      this.cells.get(this.current).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }

    /** Play a row's runs one after the other from the first, or stop that. */
    inTurn(row) {
      if (this.turn && this.row === row && this.stage.playing) { this.turn = false; this.stage.pause(); return; }
      this.turn = true;
      this.choose(this.members(row)[0], { from: 0 });
      if (!this.stage.playing) this.stage.play();
      this._state();
    }

    _ended() {
      const there = this.members(this.row), next = there[there.indexOf(this.current) + 1];
      if (this.turn && next) {
        this.choose(next, { from: 0 });
        this.stage.play({ after: BREATH });
      } else this.turn = false;
      this._state();
    }

    // --- what is seen

    /** The score of what is heard, unpacked when it is asked for. */
    async showScore() {
      const { at, current: piece } = this, box = at('sheet');
      const open = at('score').getAttribute('aria-expanded') === 'true';
      box.hidden = !open;
      if (!open || box.dataset.piece === piece.id) return;
      box.dataset.piece = piece.id;
      const tell = words => box.replaceChildren(element('p', { className: 'empty', textContent: words }));
      if (!piece.score) { tell(`This page holds no score of ${piece.title}.`); return; }
      try {
        if (!this.sheets.has(piece)) {
          const packed = new Blob([Uint8Array.from(atob(piece.score), sign => sign.charCodeAt(0))]);
          const drawing = await new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
          this.sheets.set(piece, URL.createObjectURL(new Blob([drawing], { type: 'image/svg+xml' })));
        }
        if (box.dataset.piece === piece.id) box.replaceChildren(element('img', { src: this.sheets.get(piece), alt: `Score of ${piece.title}` }));
      } catch (refused) {
        tell(`This browser cannot unpack the score (${refused.message}).`);
      }
    }

    toggleScore() {
      const { at } = this;
      if (at('score').hidden) return;
      at('score').setAttribute('aria-expanded', String(at('score').getAttribute('aria-expanded') !== 'true'));
      this.showScore();
    }

    _say(words) { this.at('said').textContent = words; }

    /** Small rolls, drawn when they come into view. */
    _sketch() {
      const draw = cell => Roll.sketch(cell.querySelector('canvas'), this.pieces.get(cell.dataset.piece));
      const seen = new Set();
      const watch = new IntersectionObserver(found => found.filter(one => one.isIntersecting).forEach(({ target }) => {
        watch.unobserve(target);
        seen.add(target);
        draw(target);
      }), { rootMargin: '200px' });
      this.cells.forEach(cell => watch.observe(cell));
      this.redraw = () => seen.forEach(draw);
      this.drawAll = () => this.cells.forEach(cell => { seen.add(cell); draw(cell); });
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', this.redraw);
    }

    /** The play head in every cell of the row: where each run would go on. */
    _markRow() {
      document.querySelectorAll('.cell.same').forEach(cell => cell.classList.remove('same'));
      this.heads = this.members(this.row).map(piece => {
        const cell = this.cells.get(piece);
        cell.classList.add('same');
        return [cell.querySelector('i'), Stage.timing(piece)];
      });
      document.querySelectorAll('tr.same').forEach(row => row.classList.remove('same'));
      const row = this.cells.get(this.current).closest('tr');
      if (row) row.classList.add('same');
    }

    _time() {
      const place = this.stage.heard(), { bar, bars } = this.roll.where(place);
      const quarters = place / Stage.timing(this.current).quarter;
      this.roll.place(place, this.stage.playing);
      this.at('clock').textContent = `${Roll.clock(place)} / ${Roll.clock(this.stage.seconds)}`;
      this.at('bar').textContent = bars ? `bar ${bar} of ${bars}` : '';
      this.heads.forEach(([head, { quarter, seconds }]) => {
        const share = seconds ? Math.min(1, quarters * quarter / seconds) : 0;
        head.style.left = `${(share * 100).toFixed(2)}%`;
      });
    }

    _state() {
      const { playing, rate, volume } = this.stage, play = this.at('play');
      play.classList.toggle('playing', playing);
      play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
      this.at('rate').value = String(rate);
      this.at('rate-told').textContent = `${Number(rate.toFixed(2))}×`;
      this.at('volume').value = String(volume);
      this.at('volume-told').textContent = `${Math.round(volume * 100)}%`;
      this.at('loop').setAttribute('aria-pressed', String(Boolean(this.stage.loop)));
      document.querySelectorAll('.turn').forEach(button => {
        const on = this.turn && playing && button.dataset.row === this.row;
        button.setAttribute('aria-pressed', String(on));
      });
      document.querySelectorAll('.cell.sounding').forEach(cell => cell.classList.remove('sounding'));
      if (playing && this.current) this.cells.get(this.current).classList.add('sounding');
    }

    // --- buttons and keys

    _buttons() {
      const { stage, at } = this;
      at('play').addEventListener('click', event => {
        stage.toggle();
        if (event.detail) at('play').blur();
      });
      at('score').hidden = ![...this.pieces.values()].some(piece => piece.score);
      at('score').addEventListener('click', () => this.toggleScore());
      at('rate').addEventListener('input', () => { stage.rate = at('rate').value; });
      at('volume').addEventListener('input', () => { stage.volume = at('volume').value; });
      at('loop').addEventListener('click', () => { if (stage.loop) stage.loopOff(); else stage.loopOver(); });
      document.querySelectorAll('.turn').forEach(button => button.addEventListener('click', () => this.inTurn(button.dataset.row)));
      document.addEventListener('keydown', event => this._key(event));
      document.addEventListener('keyup', event => { if (event.key === ' ' && event.target.matches('.cell')) event.preventDefault(); });
    }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !this.current) return;
      const { target } = event, typing = target.matches('input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select');
      const own = target.matches('button, summary, input') && [' ', 'Enter'].includes(event.key) && !target.matches('.cell');
      const steered = target.matches('input[type=range], input[type=radio]') && event.key.startsWith('Arrow');
      if (typing || own || steered) return;
      const keys = {
        ' ': () => this.stage.toggle(), k: () => this.stage.toggle(),
        ArrowUp: () => this.move(-1), ArrowDown: () => this.move(1),
        t: () => this.inTurn(this.row), s: () => this.toggleScore(), l: () => this.at('loop').click(), Home: () => this.stage.seek(0),
        '+': () => { this.stage.rate += SLOWER; }, '-': () => { this.stage.rate -= SLOWER; },
      };
      const near = this.at('samples').contains(target) || target === document.body;
      if (/^[1-9]$/.test(event.key) && !event.shiftKey) this.run(Number(event.key));
      else if (event.key.startsWith('Arrow') && !near) return;
      else if (event.key === 'Home' && !near) return;
      else if (['ArrowLeft', 'ArrowRight'].includes(event.key)) {
        if (target.matches('.cell')) this.aside(event.key === 'ArrowLeft' ? -1 : 1);
        else this.roll._key(event);
      } else if (!keys[event.key]) return;
      else if (event.key.startsWith('Arrow') && !target.matches('.cell') && !this._inView()) return;
      else keys[event.key]();
      if (target.matches('.cell') && event.key.startsWith('Arrow')) this.cells.get(this.current).focus({ preventScroll: true });
      event.preventDefault();
    }

    /** Up and down turn the page where the samples are not on it. */
    _inView() {
      const box = this.at('samples').getBoundingClientRect();
      return this.stage.playing || (box.top < innerHeight * 0.6 && box.bottom > innerHeight * 0.3);
    }

    _follow() {
      const { stage } = this;
      const frame = () => {
        this._time();
        if (stage.playing) requestAnimationFrame(frame);
      };
      stage.addEventListener('change', () => { this._state(); if (stage.playing) requestAnimationFrame(frame); else { this._time(); this.roll.speak(); } });
      stage.addEventListener('seek', () => this._time());
      stage.addEventListener('ended', () => this._ended());
      stage.addEventListener('plain', () => { this.at('plain').hidden = false; });
      stage.addEventListener('blocked', () => this._say('The browser allows no sound yet: press play.'));
      ['pointerenter', 'pointerdown', 'focusin', 'keydown'].forEach(name =>
        this.at('samples').addEventListener(name, () => stage.prepare(), { once: true }));
    }
  }

  return Grid;
})();
