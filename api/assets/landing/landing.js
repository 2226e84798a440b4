// What the page can do only with a script: say how the server is, and copy the command. All words are in the page.
(() => {
  'use strict';
  const pause = 15_000;

  const state = document.getElementById('state');
  const words = state.dataset;
  const show = (name, text) => {
    state.dataset.state = name;
    state.textContent = text;
  };
  const nameOf = (dependency) => words[dependency.name] ?? dependency.name;

  const ask = async () => {
    try {
      const answer = await fetch('/health/ready', { headers: { accept: 'application/json' } });
      const { status, dependencies } = await answer.json();
      const missing = dependencies.filter(({ ready }) => !ready).map(nameOf);
      show(status, [words[status] ?? status, ...missing].join(' · '));
    } catch {
      show('unavailable', words.silent);
    }
  };
  ask();
  setInterval(() => {
    if (document.visibilityState === 'visible') ask();
  }, pause);

  const button = document.getElementById('copy');
  const command = document.getElementById('command');
  const select = () => {
    const range = document.createRange();
    range.selectNodeContents(command);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = button.dataset.copied;
    } catch {
      // Without the clipboard, which needs https or this machine, the command is at least marked.
      select();
    }
  });
})();
