/* What can be chosen: a list of pieces by their groups, the same as a menu for small screens, and the time line of what
   was heard while the model learned. */
const Choice = (() => {
  'use strict';

  const GROUPS = [['samples', 'Samples'], ['reference', 'Real music'], ['learning', 'While it learned']];
  const MANY = 12; // from so many pieces on they can be filtered
  const TOLD = 3; // facts beside a title in the list

  const element = (kind, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  };
  const facts = piece => piece.facts.slice(0, TOLD).map(([name, value]) => `${name} ${value}`).join(' · ');
  const groupOf = piece => GROUPS.some(([name]) => name === piece.group) ? piece.group : 'samples';
  const inGroups = pieces => GROUPS.map(([name, heading]) => [name, heading, pieces.filter(piece => groupOf(piece) === name)])
    .filter(([, , members]) => members.length);

  /** Pieces in the order in which they are gone through. Clips of one iteration follow each other in lanes: the first
      ones of all iterations, then the second ones, so that one hears the same melody grow up. */
  const ordered = pieces => {
    const lanes = new Map(), seen = new Map();
    pieces.filter(piece => groupOf(piece) === 'learning').forEach(piece => {
      const lane = seen.get(piece.iteration) || 0;
      seen.set(piece.iteration, lane + 1);
      lanes.set(piece, lane);
    });
    const learning = [...lanes.keys()].sort((a, b) => lanes.get(a) - lanes.get(b) || a.iteration - b.iteration);
    return [...inGroups(pieces).flatMap(([name, , members]) => name === 'learning' ? learning : members)];
  };

  /** Draws small rolls when they come into view: hundreds at once would take a second. */
  const sketcher = () => {
    const pieces = new WeakMap();
    const watch = new IntersectionObserver(seen => seen.filter(one => one.isIntersecting).forEach(({ target }) => {
      watch.unobserve(target);
      Roll.sketch(target, pieces.get(target));
    }));
    const all = [];
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => all.forEach(one => watch.observe(one)));
    return piece => {
      const canvas = element('canvas', { className: 'small' });
      canvas.setAttribute('aria-hidden', 'true');
      pieces.set(canvas, piece);
      all.push(canvas);
      watch.observe(canvas);
      return canvas;
    };
  };

  class Choice {
    /** @param choose(piece, play) is called with what was chosen. */
    constructor(pieces, choose) {
      this.choose = choose;
      this.pieces = pieces;
      this.entries = new Map(); // piece -> its elements in the list and the time line
      this.sketch = sketcher();
      this.menu = document.getElementById('choose');
      this._list(document.getElementById('groups'));
      this._menu();
      this._stops();
      this._filter(document.getElementById('filter'));
    }

    /** Mark the piece that is heard. */
    show(piece) {
      this.entries.forEach((marked, one) => marked.forEach(entry => {
        if (one === piece) entry.setAttribute('aria-current', 'true'); else entry.removeAttribute('aria-current');
        entry.tabIndex = one === piece ? 0 : -1;
      }));
      this.menu.value = String(this.pieces.indexOf(piece));
      (this.entries.get(piece) || []).forEach(entry => this._reveal(entry));
    }

    /** Scroll its box, not the page. */
    _reveal(entry) {
      const box = entry.closest('[data-scrolls]');
      if (!box || !box.clientHeight) return;
      const [a, b] = [entry.getBoundingClientRect(), box.getBoundingClientRect()];
      if (a.top < b.top || a.bottom > b.bottom) box.scrollTop += a.top - b.top - (b.height - a.height) / 2;
      if (a.left < b.left || a.right > b.right) box.scrollLeft += a.left - b.left - (b.width - a.width) / 2;
    }

    _entry(piece, properties, ...children) {
      const made = element('button', { type: 'button', tabIndex: -1, ...properties }, ...children);
      made.addEventListener('click', event => {
        this.choose(piece, true);
        if (event.detail) made.blur(); // the space bar then pauses; who came by the tab key stays here
      });
      this.entries.set(piece, [...(this.entries.get(piece) || []), made]);
      return made;
    }

    _list(box) {
      box.dataset.scrolls = '';
      inGroups(this.pieces).forEach(([name, heading, members]) => {
        const rows = members.map(piece => element('li', {}, this._entry(piece, { className: 'entry' },
          element('span', { className: 'number', textContent: String(this.pieces.indexOf(piece) + 1) }),
          this.sketch(piece),
          element('span', { className: 'words' }, element('bdi', { textContent: piece.title }),
            element('small', { textContent: piece.notes.length ? facts(piece) : 'without a note' })))));
        const title = element('h3', { textContent: heading }, element('span', { className: 'count', textContent: String(members.length) }));
        box.append(element('section', { className: `group ${name}` }, title, element('ul', {}, ...rows)));
      });
      box.addEventListener('keydown', event => this._move(event, box));
    }

    /** Arrows go from entry to entry: hundreds of them are one stop of the tab key. */
    _move(event, box) {
      const by = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by || event.shiftKey) return;
      const shown = [...box.querySelectorAll('button')].filter(entry => entry.offsetParent);
      const other = shown[shown.indexOf(document.activeElement) + by];
      if (other) other.focus();
      event.preventDefault();
      event.stopPropagation();
    }

    _menu() {
      inGroups(this.pieces).forEach(([, heading, members]) => {
        const group = element('optgroup', { label: heading });
        members.forEach(piece => {
          const number = this.pieces.indexOf(piece);
          group.append(element('option', { value: String(number), textContent: `${number + 1}. ${piece.title}` }));
        });
        this.menu.append(group);
      });
      this.menu.addEventListener('change', () => this.choose(this.pieces[Number(this.menu.value)], false));
    }

    _stops() {
      const learned = this.pieces.filter(piece => groupOf(piece) === 'learning');
      if (!learned.length) return;
      const stops = document.getElementById('stops');
      stops.dataset.scrolls = '';
      [...new Set(learned.map(piece => piece.iteration))].sort((a, b) => a - b).forEach(iteration => {
        const clips = learned.filter(piece => piece.iteration === iteration).map(piece =>
          this._entry(piece, { className: 'stop', title: `${piece.title}: ${facts(piece)}` }, this.sketch(piece),
            element('span', { className: 'unseen', textContent: `${piece.title}, iteration ${iteration}` })));
        const [, loss] = learned.find(piece => piece.iteration === iteration).facts.find(([name]) => name === 'loss') || [];
        stops.append(element('li', {}, element('span', { className: 'when' },
          element('b', { textContent: Number(iteration).toLocaleString('en') }), loss ? ` · loss ${loss}` : ''), ...clips));
      });
      stops.addEventListener('keydown', event => this._move(event, stops));
      document.getElementById('learning').hidden = false;
    }

    _filter(field) {
      field.hidden = this.pieces.length < MANY;
      field.addEventListener('input', () => {
        const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.pieces.forEach(piece => {
          const told = `${piece.title} ${piece.group} ${piece.facts.flat().join(' ')}`.toLowerCase();
          this.entries.get(piece)[0].parentElement.hidden = !words.every(word => told.includes(word));
        });
        document.querySelectorAll('.group').forEach(group => { group.hidden = !group.querySelector('li:not([hidden])'); });
      });
    }
  }

  return Object.assign(Choice, { ordered, groupOf, facts, element });
})();
