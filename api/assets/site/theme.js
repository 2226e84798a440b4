// Colours follow the system until the reader turns them over with the button; turned back, they follow it again.
// Loaded before the styles, so that the first paint is right already.
(() => {
  'use strict';
  const key = 'amvaj-theme';
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');

  // A reader may have turned storage off; then the choice lasts as long as the page.
  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const store = (choice) => {
    try {
      if (choice) localStorage.setItem(key, choice);
      else localStorage.removeItem(key);
    } catch {
      // Nothing to do: the page shows the choice anyhow.
    }
  };
  const current = () => root.dataset.theme ?? (system.matches ? 'dark' : 'light');
  const show = (choice) => {
    if (choice === 'dark' || choice === 'light') root.dataset.theme = choice;
    else delete root.dataset.theme;
    root.dataset.shown = current();
    for (const button of document.querySelectorAll('[data-theme-button]')) {
      button.setAttribute('aria-pressed', String(current() === 'dark'));
    }
    document.dispatchEvent(new Event('amvaj-theme'));
  };
  const turnOver = () => {
    const wanted = current() === 'dark' ? 'light' : 'dark';
    const choice = wanted === (system.matches ? 'dark' : 'light') ? null : wanted;
    store(choice);
    show(choice);
  };

  show(stored());
  system.addEventListener('change', () => show(stored()));
  document.addEventListener('DOMContentLoaded', () => {
    show(stored());
    for (const button of document.querySelectorAll('[data-theme-button]')) {
      button.hidden = false;
      button.addEventListener('click', turnOver);
    }
  });
})();
