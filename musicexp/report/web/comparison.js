/* The page of a comparison: its curves, its samples and its notes are put into their places. */
(() => {
  'use strict';

  const read = id => { const found = document.getElementById(id); return found && JSON.parse(found.textContent); };
  const curves = read('curve-data'), music = read('music'), served = read('served');
  const legend = curves && document.getElementById('chart') ? new Legend(curves) : null;
  const grid = music && music.pieces.length ? new Grid(music) : null;
  if (served) Notes.start(served);

  const PRINTED_DOTS = 3;
  const print = () => {
    document.documentElement.classList.add('printing');
    if (legend) legend.chart.draw(PRINTED_DOTS);
    if (grid) grid.drawAll();
  };
  addEventListener('beforeprint', print);
  addEventListener('afterprint', () => {
    document.documentElement.classList.remove('printing');
    if (legend) legend.chart.draw();
    if (grid) grid.redraw();
  });

  window.musicexp = { legend, grid };
  document.documentElement.dataset.drawn = performance.now().toFixed(0);
})();
