// The examples: tabs with operations that work, and the values that fill their variables.
//
// A value is written `{name}`. Some are known when the page opens: what the demo tells, and `{session}`, which keeps
// idempotency keys and receipt numbers of one browser tab apart from those of another. Others come with an answer, such
// as the id of a hold; they are filled in right before a request is sent.
(() => {
  'use strict';

  const at = (value, path) => path.split('.').reduce((inner, key) => inner?.[key], value);

  const freshSession = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(4));
    return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('');
  };

  /** The examples of a role. `store` keeps what is to survive a reload of the page. */
  window.amvajExamples = ({ operations, role, known, store }) => {
    const mine = operations.filter((operation) => operation.role === role);
    const rules = operations.flatMap(({ title, remember }) =>
      Object.entries(remember).map(([name, path]) => ({ name, path, title })));

    let session = store.getItem('session');
    if (!session) {
      session = freshSession();
      store.setItem('session', session);
    }
    const values = { ...known, session };

    const fillEarly = (text) =>
      text.replace(/\{([a-zA-Z.]+)\}/g, (whole, name) => values[name] ?? whole);

    const fillLate = (value) => {
      if (Array.isArray(value)) return value.map(fillLate);
      if (value && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillLate(inner)]));
      }
      const name = typeof value === 'string' && /^\{([a-zA-Z.]+)\}$/.exec(value)?.[1];
      if (!name) return value;
      const seen = store.getItem(`seen.${name}`);
      if (seen) return seen;
      const from = rules.find((rule) => rule.name === name);
      throw new Error(from
        ? `Run the tab ${from.title} first: its answer is what {${name}} in the variables stands for.`
        : `Write a value of your own network in place of {${name}} in the variables. The demo fills it in.`);
    };

    return {
      tabs: mine.map(({ query, variables }) => ({ query, variables: fillEarly(variables) })),
      fill: fillLate,
      /** Keeps what later examples need of an answer. */
      remember(data) {
        for (const { name, path } of rules) {
          const found = at(data, path);
          if (typeof found === 'string') store.setItem(`seen.${name}`, found);
        }
      },
    };
  };
})();
