/* Notes on runs: written to the store when the page is served from it, and nowhere otherwise. */
const Notes = (() => {
  'use strict';

  /** @param served {token} of the server that this page came from. */
  const start = served => {
    document.querySelectorAll('form.note').forEach(form => {
      const field = form.querySelector('textarea'), button = form.querySelector('button'), state = form.querySelector('output');
      const { run } = form.dataset;
      if (!(run in served.notes)) { // deleted since the comparison was made
        state.textContent = 'The run is gone from the store.';
        return;
      }
      let stored = served.notes[run]; // to the last sign; the field may show line ends otherwise
      field.value = stored;
      let shown = field.value;
      const draw = () => { button.disabled = field.value === shown; };
      field.disabled = false;
      form.querySelector('.keep').hidden = false;
      draw();
      field.addEventListener('input', () => { draw(); state.textContent = field.value === shown ? '' : 'not stored yet'; state.className = ''; });
      field.addEventListener('keydown', event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
      });
      form.addEventListener('submit', async event => {
        event.preventDefault();
        const text = field.value;
        if (text === shown) return;
        button.disabled = true;
        state.className = '';
        state.textContent = 'storing …';
        try {
          const answer = await fetch('/note', {
            method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Token': served.token },
            body: JSON.stringify({ run, before: stored, text }),
          });
          const told = await answer.json();
          if (answer.ok) {
            stored = text;
            shown = text;
            state.textContent = 'stored in MLflow';
            state.className = 'good';
          } else if (answer.status === 409) {
            stored = told.text;
            shown = null; // so that it can be stored again
            form.querySelector('.theirs').hidden = false;
            form.querySelector('.theirs').textContent = told.text ? `In the store now: ${told.text}` : 'In the store the note is empty now.';
            state.textContent = 'Not stored: the note was changed elsewhere meanwhile. Store again to put yours in its place.';
            state.className = 'bad';
          } else {
            state.textContent = `Not stored: ${told.error}`;
            state.className = 'bad';
          }
        } catch (refused) {
          state.textContent = 'Not stored: the server does not answer. Is `compare --serve` still running?';
          state.className = 'bad';
        }
        if (state.className === 'good') form.querySelector('.theirs').hidden = true;
        draw();
      });
    });
    addEventListener('beforeunload', event => {
      const open = [...document.querySelectorAll('form.note')].some(form => !form.querySelector('button').disabled);
      if (open) event.preventDefault();
    });
  };

  return { start };
})();
