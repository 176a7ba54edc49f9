/* The copied passages of a judgement: both of a pair are seen (`Roll`) and heard (`Stage`), alone or one after the other. */
(() => {
  'use strict';

  const data = JSON.parse(document.getElementById('music').textContent);
  const pieces = new Map(data.pieces.map(piece => [piece.id, piece]));
  const stage = new Stage(data.banks);
  const BREATH = 0.5; // seconds between the two of a pair
  const all = selector => [...document.querySelectorAll(selector)];
  let current = null, queue = [];

  const say = words => { document.getElementById('said').textContent = words; };

  // --- what is seen

  const rolls = new Map(all('[data-roll]').filter(host => pieces.has(host.dataset.roll)).map(host => {
    const id = host.dataset.roll;
    const roll = new Roll(host, { seek: seconds => { queue = []; take(id, seconds); } });
    roll.show(pieces.get(id));
    return [id, roll];
  }));

  const frame = () => {
    if (!current) return;
    rolls.get(current).place(stage.heard(), stage.playing);
    if (stage.playing) requestAnimationFrame(frame);
  };

  const draw = () => {
    all('[data-play]').forEach(button => {
      const on = stage.playing && button.dataset.play === current;
      button.setAttribute('aria-pressed', String(on));
    });
    all('[data-pair]').forEach(button => {
      button.setAttribute('aria-pressed', String(stage.playing && queue.length > 0 && button.dataset.pair === queue.join(' ')));
    });
    if (stage.playing) requestAnimationFrame(frame); else frame();
  };

  // --- what is heard

  /** Take a passage, at a place of its own. */
  const take = (id, from) => {
    current = id;
    stage.switchTo(pieces.get(id), { from });
    draw();
  };

  const begin = (id, after) => {
    take(id, 0);
    if (!stage.playing) stage.play(after === undefined ? {} : { after });
  };

  const toggle = id => {
    queue = [];
    if (current !== id) { take(id, rolls.get(id).cursor >= Stage.timing(pieces.get(id)).seconds - 1e-6 ? 0 : rolls.get(id).cursor); if (!stage.playing) stage.play(); }
    else stage.toggle();
    draw();
  };

  const both = pair => {
    const ids = pair.split(' ');
    if (stage.playing && queue.join(' ') === pair) { queue = []; stage.pause(); return; }
    queue = ids;
    begin(ids[0]);
    draw();
  };

  all('[data-play]').forEach(button => button.addEventListener('click', () => toggle(button.dataset.play)));
  all('[data-pair]').forEach(button => button.addEventListener('click', () => both(button.dataset.pair)));
  document.addEventListener('keydown', event => { if (event.key === 'Escape') { queue = []; stage.pause(); } });

  stage.addEventListener('change', draw);
  stage.addEventListener('seek', draw);
  stage.addEventListener('ended', () => {
    const next = queue[queue.indexOf(current) + 1];
    if (next) begin(next, BREATH); else queue = [];
    draw();
  });
  stage.addEventListener('plain', () => say('This browser cannot read the instrument (Ogg Vorbis): plain tones are played instead.'));
  stage.addEventListener('blocked', () => say('The browser allows no sound yet: press play.'));
  ['pointerenter', 'pointerdown', 'focusin', 'keydown'].forEach(name =>
    document.documentElement.addEventListener(name, () => stage.prepare(0), { once: true }));

  // --- scores, unpacked; a browser that cannot do so leaves the rolls

  const engraved = async host => {
    const piece = pieces.get(host.dataset.score);
    if (!piece || !piece.score || !globalThis.DecompressionStream) return;
    const packed = new Blob([Uint8Array.from(atob(piece.score), sign => sign.charCodeAt(0))]);
    const drawing = await new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
    const picture = document.createElement('img');
    picture.alt = `Score of ${host.dataset.name}`;
    picture.src = URL.createObjectURL(new Blob([drawing], { type: 'image/svg+xml' }));
    host.replaceChildren(picture);
  };
  all('[data-score]').forEach(host => engraved(host));

  // --- on paper a dark page is a light one

  const printed = on => {
    document.documentElement.classList.toggle('printing', on);
    rolls.forEach(roll => roll.draw());
  };
  addEventListener('beforeprint', () => printed(true));
  addEventListener('afterprint', () => printed(false));

  window.musicexp = { stage, rolls, get current() { return current; } };
})();
