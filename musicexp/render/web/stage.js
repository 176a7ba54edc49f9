/* What sounds: pieces as notes of a bank, planned ahead on the clock of the sound card. Nothing here knows a page.

   A piece is an entry of the page's data: {notes: [[onset, duration, pitch, velocity, part], ...] in steps of 1/24
   quarter, tempo, metre, bank, gain, ...}. Places are seconds from its start at its own tempo, whatever the rate. */
const Stage = (() => {
  'use strict';

  const STEPS_PER_QUARTER = 24;
  const BANK_VELOCITY = 80;
  const TICK = 25; // milliseconds between two looks ahead
  const AHEAD = 0.15, AHEAD_HIDDEN = 2.5; // seconds planned ahead; a hidden tab's timers come once a second
  const LEAD = 0.03; // what is started now begins so much later, so that its first note is not late
  const FADE = 0.012; // a cut within it makes no click
  const RELEASE = 0.15; // in which a note fades behind its end
  const SHORTEST_LOOP = 0.1;
  const RATES = [0.25, 2];
  const LOUDEST = 2;
  const CLEAR = 0.75, HEADROOM = 4; // amplitudes up to CLEAR pass unchanged, those up to HEADROOM are bent below 1
  const PATIENCE = 1500; // milliseconds
  const LIE_DOWN = 4000; // milliseconds of silence after which the sound card is let go

  /** Notes in seconds, and the lengths that a player needs; kept for each piece. */
  const known = new WeakMap();
  const timing = piece => {
    if (known.has(piece)) return known.get(piece);
    const step = 60 / (piece.tempo || 120) / STEPS_PER_QUARTER;
    const [beats, unit] = piece.metre || [4, 4];
    const bar = beats * 4 / unit * STEPS_PER_QUARTER;
    const compound = unit >= 8 && beats > 3 && beats % 3 === 0; // 6/8 has two beats
    const notes = piece.notes
      .map(([onset, duration, pitch, velocity = BANK_VELOCITY, part = 0]) =>
        ({ begin: onset * step, end: (onset + duration) * step, pitch, velocity, part }))
      .sort((a, b) => a.begin - b.begin || a.pitch - b.pitch);
    const last = piece.notes.reduce((most, [onset, duration]) => Math.max(most, onset + duration), 0);
    const bars = Math.ceil(last / bar - 1e-9);
    const found = {
      notes, bars, bar: bar * step, beat: (compound ? 3 : 1) * 4 / unit * STEPS_PER_QUARTER * step,
      // To the end of its last bar: a loop over the whole keeps the beat.
      seconds: bars * bar * step, quarter: STEPS_PER_QUARTER * step,
      longest: notes.reduce((most, note) => Math.max(most, note.end - note.begin), 0),
    };
    known.set(piece, found);
    return found;
  };

  const bytes = base64 => Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));

  /** Where no bank can be decoded: a plain, soft tone that dies away like a string. */
  const tone = (context, out, note, when, inner, seconds, level) => {
    const source = context.createOscillator(), loud = context.createGain();
    source.type = 'triangle';
    source.frequency.value = 440 * 2 ** ((note.pitch - 69) / 12);
    const start = 0.16 * level * Math.exp(-inner / 1.2);
    loud.gain.setValueAtTime(0, when);
    loud.gain.linearRampToValueAtTime(start, when + 0.008);
    loud.gain.setTargetAtTime(0, when + 0.008, 1.2);
    loud.gain.setTargetAtTime(0, when + Math.max(seconds, 0.01), RELEASE / 4);
    source.connect(loud).connect(out);
    source.start(when);
    source.stop(when + seconds + RELEASE);
    return source;
  };

  /** One note of the bank. `inner`: seconds of it that are over already; `seconds`: how long it is still held. */
  const strike = (context, out, bank, note, when, inner, seconds) => {
    const level = (note.velocity / BANK_VELOCITY) ** 2;
    if (!bank.buffer) return tone(context, out, note, when, inner, seconds, level);
    const key = bank.notes.reduce((best, one) => Math.abs(one[0] - note.pitch) < Math.abs(best[0] - note.pitch) ? one : best);
    const speed = 2 ** ((note.pitch - key[0]) / 12);
    const left = key[2] / speed - inner;
    if (left < FADE) return null; // a string that has died away by now
    const source = context.createBufferSource(), loud = context.createGain();
    source.buffer = bank.buffer;
    source.playbackRate.value = speed;
    loud.gain.setValueAtTime(inner > 0 ? 0 : level, when);
    if (inner > 0) loud.gain.linearRampToValueAtTime(level, when + FADE);
    const held = when + Math.max(seconds, FADE);
    loud.gain.setValueAtTime(level, held);
    loud.gain.linearRampToValueAtTime(0, held + RELEASE);
    source.connect(loud).connect(out);
    source.start(when, key[1] + inner * speed, left * speed);
    source.stop(Math.min(when + left, held + RELEASE));
    return source;
  };

  /** One piece being played from one moment on at one rate: what it plans, it plans once. */
  class Pass {
    constructor(context, out, bank, piece, { at, from, rate, loop }) {
      Object.assign(this, { context, out, bank, piece, rate, loop, timing: timing(piece) });
      this.sources = new Set();
      this.bus = context.createGain();
      this.bus.gain.value = piece.gain === undefined ? 1 : piece.gain;
      this.bus.connect(out);
      this.stretches = []; // the piece runs through these one after the other; a loop adds one each time round
      this.go(at, from);
    }

    /** Add a stretch from a place on. */
    go(at, from) {
      const again = Boolean(this.loop) && from < this.loop.to - 1e-6;
      const to = again ? Math.min(this.loop.to, this.timing.seconds) : this.timing.seconds;
      const stretch = { at, from, to, again, next: 0, end: at + Math.max(0, to - from) / this.rate };
      this.stretches.push(stretch);
      const { notes } = this.timing;
      while (stretch.next < notes.length && notes[stretch.next].begin < from - 1e-6) {
        const note = notes[stretch.next++];
        if (note.end > from + FADE) this.sound(stretch, note);
      }
    }

    sound(stretch, note) {
      const begin = Math.max(note.begin, stretch.from), now = this.context.currentTime;
      let when = stretch.at + (begin - stretch.from) / this.rate;
      let inner = (begin - note.begin) / this.rate;
      let seconds = (Math.min(note.end, stretch.to) - begin) / this.rate;
      if (now - when > 0.005) { // the page was kept busy: the rest of the note is played in time
        [when, inner, seconds] = [now, inner + now - when, seconds - (now - when)];
        if (seconds < FADE) return;
      }
      const source = strike(this.context, this.bus, this.bank, note, when, inner, seconds);
      if (!source) return;
      this.sources.add(source);
      source.onended = () => this.sources.delete(source);
    }

    /** Plan every note that begins before `horizon`. */
    plan(horizon) {
      for (;;) {
        const stretch = this.stretches[this.stretches.length - 1], { notes } = this.timing;
        while (stretch.next < notes.length && notes[stretch.next].begin < stretch.to - 1e-6) {
          const note = notes[stretch.next];
          if (stretch.at + (note.begin - stretch.from) / this.rate > horizon) return;
          stretch.next += 1;
          this.sound(stretch, note);
        }
        if (!stretch.again || stretch.end > horizon) return;
        this.go(stretch.end, this.loop.from);
        while (this.stretches.length > 64) this.stretches.shift();
      }
    }

    place(time) {
      let { length } = this.stretches;
      while (length > 1 && this.stretches[length - 1].at > time) length -= 1;
      const { at, from, to } = this.stretches[length - 1];
      return Math.min(from + Math.max(0, time - at) * this.rate, Math.max(from, to));
    }

    /** When it is over on the context's clock. */
    get end() {
      const stretch = this.stretches[this.stretches.length - 1];
      return stretch.again ? Infinity : stretch.end;
    }

    stop(at) {
      const level = this.bus.gain.value;
      this.bus.gain.setValueAtTime(level, at);
      this.bus.gain.linearRampToValueAtTime(0, at + FADE);
      this.sources.forEach(source => source.stop(at + FADE + 0.005));
      setTimeout(() => this.bus.disconnect(), (at - this.context.currentTime) * 1000 + 200);
    }
  }

  /** Volume, and a limiter: thick chords are bent, not clipped. It delays nothing. */
  const outlet = (context, volume) => {
    const loud = context.createGain(), limit = context.createWaveShaper();
    const size = 8193;
    limit.curve = Float32Array.from({ length: size }, (_, k) => {
      const x = (2 * k / (size - 1) - 1) * HEADROOM, over = Math.abs(x) - CLEAR;
      return over <= 0 ? x : Math.sign(x) * (CLEAR + (1 - CLEAR) * Math.tanh(over / (1 - CLEAR)));
    });
    loud.gain.value = volume / HEADROOM;
    loud.connect(limit).connect(context.destination);
    return loud;
  };

  /** Plays one piece at a time.

      Events: `change` (playing, rate, loop or volume), `piece`, `seek`, `ended` (it came to its end by itself),
      `plain` (this browser cannot decode the bank: plain tones), `blocked` (it allows no sound yet). */
  class Stage extends EventTarget {
    constructor(banks) {
      super();
      this.banks = banks.map(bank => ({ name: bank.name, ogg: bank.ogg, notes: bank.notes, buffer: null, ready: null, done: false }));
      this.piece = null;
      this.playing = false;
      this.loop = null;
      this.context = null;
      this._rate = 1;
      this._volume = 1;
      this._place = 0;
      this._pass = null;
      this._wish = 0; // which call of play or pause was the last
      this._ticked = 0;
      if (globalThis.document) document.addEventListener('visibilitychange', () => this._tick());
    }

    get seconds() { return this.piece ? timing(this.piece).seconds : 0; }
    get rate() { return this._rate; }
    get volume() { return this._volume; }
    /** Whether plain tones are played for want of the bank. */
    get plain() { return Boolean(this.piece) && this._bank().done && !this._bank().buffer; }

    /** Where the play head is: what is being handed to the sound card now. */
    position() { return this._pass ? this._pass.place(this.context.currentTime) : this._place; }

    /** Where the ear is: behind that by the way to the loudspeaker. */
    heard() { return this._pass ? this._pass.place(this.context.currentTime - this.latency) : this._place; }

    get latency() { return this.context ? this.context.outputLatency || this.context.baseLatency || 0 : 0; }

    set rate(rate) {
      const kept = Math.min(RATES[1], Math.max(RATES[0], Number(rate) || 1));
      if (kept === this._rate) return;
      this._restart(at => this._pass.place(at), () => { this._rate = kept; });
      this._tell('change');
    }

    set volume(volume) {
      this._volume = Math.min(LOUDEST, Math.max(0, Number(volume) || 0));
      if (this._outlet) this._outlet.gain.setTargetAtTime(this._volume / HEADROOM, this.context.currentTime, 0.015);
      this._tell('change');
    }

    /** Repeat from one place to another; without places the whole piece. Playing is taken to its start if it is outside. */
    loopOver(from = 0, to = this.seconds) {
      const end = Math.min(this.seconds, Math.max(to, from + SHORTEST_LOOP));
      const begin = Math.max(0, Math.min(from, end - SHORTEST_LOOP));
      const loop = { from: begin, to: end, whole: begin <= 0 && end >= this.seconds - 1e-6 };
      const inside = place => place >= begin && place < end ? place : begin;
      this._restart(at => inside(this._pass.place(at)), () => { this.loop = loop; this._place = inside(this._place); });
      this._tell('change');
    }

    loopOff() {
      this._restart(at => this._pass.place(at), () => { this.loop = null; });
      this._tell('change');
    }

    seek(seconds) {
      const place = Math.min(this.seconds, Math.max(0, seconds));
      this._restart(() => place, () => { this._place = place; });
      this._tell('seek');
    }

    /** Go on with another piece: at the same place of the music (bar and beat), or `from` a place of its own.

        A place that the other piece does not have any more becomes its start. What plays goes on playing, without a gap
        where both have the same bank. */
    switchTo(piece, { from } = {}) {
      const stretch = this.piece ? timing(piece).quarter / timing(this.piece).quarter : 1;
      const { seconds } = timing(piece);
      const fits = place => place < seconds - 1e-6 ? place : 0;
      const there = place => from === undefined ? fits(place * stretch) : Math.min(seconds, Math.max(0, from));
      const own = this.loop && !this.loop.whole;
      const change = () => {
        this._place = there(this._place);
        this.piece = piece;
        if (!this.loop) return;
        if (own && this.loop.from * stretch < seconds - SHORTEST_LOOP) {
          this.loop = { from: this.loop.from * stretch, to: Math.min(seconds, this.loop.to * stretch), whole: false };
        } else this.loop = own || !seconds ? null : { from: 0, to: seconds, whole: true };
      };
      this._restart(at => there(this._pass.place(at)), change);
      this._tell('piece');
    }

    /** Decode the piece's bank, so that the first note comes at once. Resolves when it is done; never rejects. */
    prepare(number = this.piece ? this.piece.bank : 0) {
      const bank = this._bank(number);
      if (!bank.ready) {
        const decode = async () => {
          try {
            const Offline = globalThis.OfflineAudioContext || globalThis.webkitOfflineAudioContext;
            bank.buffer = await new Offline(1, 1, 48000).decodeAudioData(bytes(bank.ogg).buffer);
          } catch (refused) { // no Ogg Vorbis here; whoever listens is told
            bank.reason = String(refused && refused.message || refused);
          }
          bank.done = true;
          bank.ogg = null;
          if (!bank.buffer) this._tell('plain');
        };
        bank.ready = bank.ogg ? decode() : Promise.resolve(bank.done = true);
      }
      return bank.ready;
    }

    /** Play from the place on, from the start if that is the end. To be called in a click or key press the first time.
        `after`: seconds to wait, for a breath between two pieces. */
    async play({ after = LEAD } = {}) {
      if (!this.piece || this.playing) return;
      if (this._place >= this.seconds - 1e-6) this._place = this.loop ? this.loop.from : 0;
      this.playing = true;
      const wish = ++this._wish;
      clearTimeout(this._rest);
      const context = this._open();
      this._tell('change');
      const patience = setTimeout(() => this._blocked(wish), PATIENCE);
      if (context.state !== 'running') await context.resume();
      clearTimeout(patience);
      await this._start(wish, after);
    }

    pause() {
      if (!this.playing) return;
      this._wish += 1;
      this._place = this.heard();
      this._still();
      this._tell('change');
    }

    toggle() { return this.playing ? this.pause() : this.play(); }

    /** A piece as it is played, [channels of samples]: for tests and for saving, in no time and without sound. */
    async render(piece = this.piece, { from = 0, seconds, rate = this._rate, loop = null, sampleRate = 44100 } = {}) {
      await this.prepare(piece.bank);
      const long = seconds === undefined ? (timing(piece).seconds - from) / rate + 1 : seconds;
      const context = new OfflineAudioContext(2, Math.max(1, Math.ceil(long * sampleRate)), sampleRate);
      const pass = new Pass(context, outlet(context, 1), this._bank(piece.bank), piece, { at: 0, from, rate, loop });
      pass.plan(long);
      return context.startRendering();
    }

    _bank(number = this.piece.bank) { return this.banks[number || 0] || { notes: [], buffer: null, done: true, ready: Promise.resolve() }; }

    _tell(what) { this.dispatchEvent(new Event(what)); }

    _open() {
      if (!this.context) {
        this.context = new (globalThis.AudioContext || globalThis.webkitAudioContext)({ latencyHint: 'interactive' });
        this._outlet = outlet(this.context, this._volume);
      }
      return this.context;
    }

    /** Change something, and go on playing with it, at the place that `where` says of the moment of the change. */
    _restart(where, change) {
      if (!this._pass) return change();
      const at = this.context.currentTime + LEAD, place = where(at);
      this._pass.stop(at);
      change();
      if (this._bank().done) return this._begin(at, place);
      this._still(true);
      this._place = place;
      const wish = this._wish;
      return this._start(wish);
    }

    /** Begin as soon as the bank is there, unless something else is wished by then. */
    async _start(wish, after = LEAD) {
      while (!this._bank().done) await this.prepare();
      if (wish === this._wish && !this._pass) this._begin(this.context.currentTime + after, this._place);
    }

    /** A browser lets a page sound only after a click or key in it, and says nothing. */
    _blocked(wish) {
      if (wish !== this._wish || this._pass || this.context.state === 'running') return;
      this._wish += 1;
      this._still();
      this._tell('change');
      this._tell('blocked');
    }

    _begin(at, from) {
      const { _rate: rate, loop } = this;
      this._pass = new Pass(this.context, this._outlet, this._bank(), this.piece, { at, from, rate, loop });
      this._ticked = this.context.currentTime;
      clearInterval(this._timer);
      this._timer = setInterval(() => this._tick(), TICK);
      this._tick();
    }

    _tick() {
      if (!this._pass) return;
      const now = this.context.currentTime, late = now - this._ticked;
      this._ticked = now;
      const hidden = Boolean(globalThis.document) && document.hidden;
      this._pass.plan(now + Math.max(hidden ? AHEAD_HIDDEN : AHEAD, Math.min(AHEAD_HIDDEN, 2 * late)));
      if (this._pass.end > now) return;
      this._place = this.seconds;
      this._pass = null; // not stopped: its last notes ring out
      this._still();
      this._tell('ended');
    }

    _still(waiting = false) {
      if (this._pass) this._pass.stop(this.context.currentTime);
      this._pass = null;
      clearInterval(this._timer);
      if (waiting) return;
      this.playing = false;
      clearTimeout(this._rest);
      this._rest = setTimeout(() => { if (!this.playing && this.context) this.context.suspend(); }, LIE_DOWN);
    }
  }

  return Object.assign(Stage, { timing, RATES, LOUDEST });
})();
