/* The page of one run: what is heard (`Stage`), seen (`Roll`) and chosen (`Choice`), and the buttons and keys between. */
(() => {
  'use strict';

  const data = JSON.parse(document.getElementById('music').textContent);
  const at = id => document.getElementById(id);
  const pieces = Choice.ordered(data.pieces);
  const stage = new Stage(data.banks);
  const SLOWER = 0.05, SOFTER = 0.1;
  const BREATH = 0.7; // seconds between two pieces that follow by themselves
  let current = null, passage = null, playAll = false, lane = null, muted = null;

  const say = words => { at('said').textContent = words; };

  // --- what is seen

  const roll = new Roll(at('roll'), {
    seek: seconds => stage.seek(seconds),
    loop: chosen => { choosePassage(chosen); if (chosen) say(`Looping bars ${barsOf(chosen)}`); },
  });
  new Roll.Map(at('map'), roll);

  const barsOf = ({ from, to }) => {
    const [first, last] = [roll.where(from + 1e-3), roll.where(Math.max(from, to - 1e-3))];
    return first.bar === last.bar ? String(first.bar) : `${first.bar} to ${last.bar}`;
  };

  const told = (id, words) => { if (at(id).textContent !== words) at(id).textContent = words; };

  const drawTime = () => {
    const place = stage.heard(), { bar, bars } = roll.where(place);
    roll.place(place, stage.playing);
    told('clock', `${Roll.clock(place)} / ${Roll.clock(stage.seconds)}`);
    told('place', bars ? `bar ${bar} of ${bars}` : '');
  };

  const frame = () => {
    drawTime();
    if (stage.playing) requestAnimationFrame(frame);
  };

  const showFacts = piece => {
    const parts = (piece.parts || []).length > 1 ? piece.parts : [];
    const own = [...(piece.key ? [['key', piece.key]] : []), ['metre', piece.metre.join('/')], ['tempo', String(Math.round(piece.tempo))]];
    const rows = [...piece.facts, ...own].map(([name, value], k) => Choice.element('div', { className: k < piece.facts.length ? '' : 'own' },
      Choice.element('dt', { textContent: name }), Choice.element('dd', {}, Choice.element('bdi', { textContent: value }))));
    parts.slice(0, 8).forEach((name, k) => rows.push(Choice.element('div', { className: `part part${k}` },
      Choice.element('dt', { textContent: 'part' }), Choice.element('dd', {}, Choice.element('bdi', { textContent: name || String(k + 1) })))));
    at('facts').replaceChildren(...rows);
  };

  // --- what is heard

  /** Take a piece, from its start. `alone`: it follows by itself, and nobody is told aloud. */
  const choose = (piece, play = stage.playing, alone = false) => {
    if (!piece) return;
    const other = piece !== current;
    current = piece;
    if (other) {
      passage = null;
      if (stage.loop && !stage.loop.whole) stage.loopOff();
    }
    stage.switchTo(piece, { from: 0 });
    at('name').textContent = piece.title;
    showFacts(piece);
    roll.loop(null);
    roll.show(piece);
    roll.host.setAttribute('aria-label', `Place in ${piece.title}`);
    choice.show(piece);
    at('nothing').hidden = piece.notes.length > 0;
    at('nothing').textContent = `${piece.title} has no notes: the model ended it before the first one.`;
    at('score').disabled = !piece.score;
    at('score').title = piece.score ? 'Score (s)' : 'This page holds no score of this piece';
    showScore();
    if (other && !alone) say(`${piece.title}: ${piece.notes.length ? Choice.facts(piece) : 'no notes'}`);
    if (play && !stage.playing) stage.play(alone ? { after: BREATH } : {});
    drawLane();
    drawTime();
  };

  const choice = new Choice(pieces, (piece, play) => { lane = null; choose(piece, play || stage.playing); });

  const step = (by, play) => {
    lane = null;
    choose(pieces[(pieces.indexOf(current) + by + pieces.length) % pieces.length], play);
  };

  /** What comes after the current piece when it has ended, or null. */
  const following = () => {
    const next = pieces[pieces.indexOf(current) + 1];
    if (lane) return lane[lane.indexOf(current) + 1] || null;
    return playAll && next && Choice.groupOf(next) === Choice.groupOf(current) ? next : null;
  };

  const learnedLane = () => {
    const learned = pieces.filter(piece => Choice.groupOf(piece) === 'learning');
    const end = learned.findIndex((piece, k) => k > 0 && piece.iteration <= learned[k - 1].iteration);
    return end < 0 ? learned : learned.slice(0, end);
  };

  const drawLane = () => { told('learn', lane ? 'Stop' : 'Play through'); };

  const learn = () => {
    if (lane) { lane = null; stage.pause(); return drawLane(); }
    lane = learnedLane();
    return choose(lane[0], true);
  };

  const choosePassage = chosen => {
    passage = chosen;
    if (chosen) stage.loopOver(chosen.from, chosen.to); else stage.loopOff();
  };

  const toggleLoop = () => {
    if (stage.loop) stage.loopOff();
    else if (passage) stage.loopOver(passage.from, passage.to);
    else stage.loopOver();
    say(!stage.loop ? 'Loop off' : stage.loop.whole ? 'Looping all of it' : `Looping bars ${barsOf(stage.loop)}`);
  };

  const setEdge = edge => {
    const place = stage.heard(), { beat, bar } = Stage.timing(current);
    const nearest = Math.round(place / beat) * beat;
    const { from, to } = passage || { from: 0, to: stage.seconds };
    const chosen = edge === 'from'
      ? { from: nearest, to: to > nearest + beat / 2 ? to : stage.seconds }
      : { from: from < nearest - beat / 2 ? from : Math.max(0, nearest - bar), to: Math.max(nearest, beat) };
    if (chosen.to - chosen.from < beat / 2) return;
    choosePassage(chosen);
    say(`Looping bars ${barsOf(chosen)}`);
  };

  // --- the score, unpacked when it is asked for

  const sheets = new Map();
  const showScore = async () => {
    const open = at('score').getAttribute('aria-expanded') === 'true', piece = current, box = at('sheet');
    box.hidden = !open || !piece.score;
    if (box.hidden || box.dataset.piece === piece.id) return;
    box.dataset.piece = piece.id;
    box.replaceChildren();
    try {
      if (!sheets.has(piece)) {
        const packed = new Blob([Uint8Array.from(atob(piece.score), sign => sign.charCodeAt(0))]);
        const drawing = await new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
        sheets.set(piece, URL.createObjectURL(new Blob([drawing], { type: 'image/svg+xml' })));
      }
      if (box.dataset.piece === piece.id) box.replaceChildren(Choice.element('img', { src: sheets.get(piece), alt: `Score of ${piece.title}` }));
    } catch (refused) {
      box.replaceChildren(Choice.element('p', { className: 'empty', textContent: `This browser cannot unpack the score (${refused.message}).` }));
    }
  };

  const toggleScore = () => {
    if (at('score').disabled) return;
    at('score').setAttribute('aria-expanded', String(at('score').getAttribute('aria-expanded') !== 'true'));
    showScore();
  };

  // --- buttons

  const remark = words => {
    const line = Choice.element('li', { textContent: words });
    at('remarks').append(line);
    at('remarks').hidden = false;
  };

  const press = (id, act) => at(id).addEventListener('click', event => {
    act();
    if (event.detail) at(id).blur(); // after a click the space bar plays; who came by the tab key stays on the button
  });

  const setAll = () => { playAll = !playAll; at('all').setAttribute('aria-pressed', String(playAll)); };
  const zoom = () => { roll.fit(); at('whole').setAttribute('aria-pressed', String(roll.zoomed)); };
  const mute = () => { if (muted === null) { muted = stage.volume; stage.volume = 0; } else { stage.volume = muted; muted = null; } };
  const help = () => { if (at('keys').open) at('keys').close(); else at('keys').showModal(); };
  const noPassage = () => { if (passage) { choosePassage(null); say('No passage'); } };

  press('play', () => stage.toggle());
  press('next', () => step(1));
  press('previous', () => step(-1));
  press('loop', toggleLoop);
  press('begin', () => setEdge('from'));
  press('finish', () => setEdge('to'));
  press('all', setAll);
  press('whole', zoom);
  press('score', toggleScore);
  press('help', help);
  press('learn', learn);
  at('rate').addEventListener('input', () => { stage.rate = at('rate').value; });
  at('rate').addEventListener('dblclick', () => { stage.rate = 1; });
  at('volume').addEventListener('input', () => { muted = null; stage.volume = at('volume').value; });

  // --- keys

  const keys = {
    ' ': () => stage.toggle(), k: () => stage.toggle(), n: () => step(1), p: () => step(-1), l: toggleLoop, s: toggleScore,
    a: () => setEdge('from'), b: () => setEdge('to'), Escape: noPassage, t: setAll, z: zoom, m: mute, '?': help,
    '+': () => { stage.rate += SLOWER; }, '=': () => { stage.rate += SLOWER; },
    '-': () => { stage.rate -= SLOWER; }, _: () => { stage.rate -= SLOWER; }, 0: () => { stage.rate = 1; },
  };

  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || at('keys').open) return;
    const inField = event.target.matches('input, select, textarea');
    const own = event.target.matches('button, summary') && [' ', 'Enter'].includes(event.key);
    if (own || (inField && (event.target.type !== 'range' || event.key.startsWith('Arrow')))) return;
    if (event.shiftKey && event.key === 'ArrowUp') stage.volume += SOFTER;
    else if (event.shiftKey && event.key === 'ArrowDown') stage.volume -= SOFTER;
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight' || event.key === 'Home' || event.key === 'End') return roll._key(event);
    else if (/^[1-9]$/.test(event.key)) { lane = null; choose(pieces[Number(event.key) - 1]); }
    else if (!keys[event.key]) return undefined;
    else if (!event.repeat || '+-=_'.includes(event.key)) keys[event.key]();
    event.preventDefault();
    return undefined;
  });

  // --- what the stage tells

  const drawState = () => {
    const { playing, loop, rate, volume } = stage;
    const play = at('play');
    if (play.classList.toggle('playing', playing) !== (play.getAttribute('aria-label') === 'Pause')) {
      play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
      play.title = playing ? 'Pause (space)' : 'Play (space)';
    }
    at('loop').setAttribute('aria-pressed', String(Boolean(loop)));
    at('rate').value = String(rate);
    at('volume').value = String(volume);
    told('rate-told', `${Number(rate.toFixed(2))}×`);
    told('volume-told', `${Math.round(volume * 100)}%`);
    roll.loop(loop || passage);
    at('player').classList.toggle('sounding', playing);
    if (playing) requestAnimationFrame(frame); else { drawTime(); roll.speak(); }
  };

  stage.addEventListener('change', drawState);
  stage.addEventListener('seek', drawTime);
  stage.addEventListener('ended', () => {
    const next = following();
    if (next) return choose(next, true, true);
    lane = null;
    drawLane();
    return drawState();
  });
  stage.addEventListener('plain', () => remark('This browser cannot read the instrument (Ogg Vorbis): plain tones are played instead.'));
  stage.addEventListener('blocked', () => say('The browser allows no sound yet: press play.'));
  // Unpack the instrument as soon as somebody seems to want it, and not in every frame of a page of many.
  ['pointerenter', 'pointerdown', 'focusin', 'keydown'].forEach(name =>
    document.documentElement.addEventListener(name, () => stage.prepare(), { once: true }));

  (data.remarks || []).forEach(remark);
  window.musicexp = { stage, roll, pieces, choose, get current() { return current && current.id; } };
  if (pieces.length) {
    at('player').hidden = false;
    choose(pieces[0], false);
    drawState();
  } else remark('There is nothing to play here: this run has no samples.');
})();
