// Puts GraphiQL on the page: who is asking, with which token, with which tabs.
//
// Each role has tabs of its own, kept until the browser tab is closed. A role is an address, so that it can be linked
// to and the browser's buttons work; GraphiQL keeps state outside of its component and could not change it in place.
(() => {
  'use strict';
  // Scroll locks of GraphiQL's dialogs are a style element; the policy lets it pass by this number.
  window.__webpack_nonce__ = document.currentScript.nonce;

  const { React, ReactDOM, GraphiQL, amvajEvents, amvajExamples } = window;
  const { demo: inDemo, operations: operationsAddress } = document.body.dataset;
  const roles = ['shopper', 'till', 'operator', 'nobody'];
  const asked = new URLSearchParams(location.search).get('role');
  const role = roles.includes(asked) ? asked : inDemo === 'true' ? 'shopper' : 'nobody';

  /** A part of the session's storage; nothing of ours outlives the browser tab but the choice of colours. */
  const storage = (prefix) => ({
    getItem: (key) => sessionStorage.getItem(prefix + key),
    setItem: (key, value) => sessionStorage.setItem(prefix + key, value),
    removeItem: (key) => sessionStorage.removeItem(prefix + key),
    get length() {
      return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix)).length;
    },
    clear() {
      for (const key of Object.keys(sessionStorage)) {
        if (key.startsWith(prefix)) sessionStorage.removeItem(key);
      }
    },
  });

  const json = async (address) => {
    const answer = await fetch(address, { headers: { accept: 'application/json' } });
    if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
    return answer.json();
  };

  /**
   * The operation to run: its name and whether it goes on. Right after a change of tabs GraphiQL still names the operation
   * of the tab before; where there is only one operation, there is nothing to choose.
   */
  const chosen = ({ query, operationName }) => {
    try {
      const operations = GraphiQL.GraphQL.parse(query).definitions.filter(({ operation }) => operation);
      const named = operations.find(({ name }) => name?.value === operationName);
      const one = operations.length === 1 ? operations[0] : named;
      return { name: one ? one.name?.value : operationName, goesOn: one?.operation === 'subscription' };
    } catch {
      return { name: operationName, goesOn: false };
    }
  };

  /** Breaks the lines of all editors, now and later: on a phone there is no room for whole ones. */
  const wrapLines = (place) => {
    const wrap = () => {
      for (const { CodeMirror: editor } of place.querySelectorAll('.CodeMirror')) {
        if (!editor.getOption('lineWrapping')) editor.setOption('lineWrapping', true);
      }
    };
    new MutationObserver(wrap).observe(place, { childList: true, subtree: true });
  };

  const sayWho = (guide, own, token) => {
    const who = document.getElementById('who');
    const person = guide?.roles[role];
    if (role === 'nobody' && !token) who.textContent = 'Asks without a token';
    else if (own) who.textContent = 'Asks with your token';
    else if (person) who.append('Asks as ', Object.assign(document.createElement('bdi'), { textContent: person.name }));
    else who.textContent = 'No token yet: press “Token” and paste one';
  };

  const setUpDialog = (tokens) => {
    const dialog = document.getElementById('token-dialog');
    const field = document.getElementById('token');
    document.getElementById('change-token').addEventListener('click', () => {
      field.value = tokens.getItem(role) ?? '';
      dialog.returnValue = '';
      dialog.showModal();
    });
    document.getElementById('token-cancel').addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => {
      if (dialog.returnValue !== 'use') return;
      const token = field.value.trim().replace(/^bearer\s+/i, '');
      if (token) tokens.setItem(role, token);
      else tokens.removeItem(role);
      location.reload();
    });
  };

  const start = async () => {
    const [operations, guide] = await Promise.all([
      json(operationsAddress),
      inDemo === 'true' ? json('/graphiql/demo.json') : null,
    ]);
    // Examples of a network that is no longer there would only confuse.
    const place = `amvaj.${guide?.edition ?? 'own'}.`;
    const tabs = storage(`${place}${role}.`);
    const tokens = storage(`${place}token.`);
    const own = tokens.getItem(role);
    const token = own ?? guide?.roles[role]?.token;
    const examples =
      amvajExamples({ operations, role, known: guide?.examples ?? {}, store: storage(`${place}values.`) });

    const fetcher = async (request, options = {}) => {
      let variables;
      try {
        variables = examples.fill(request.variables);
      } catch ({ message }) {
        return { errors: [{ message }] };
      }
      const { name, goesOn } = chosen(request);
      const send = (accept, signal) => fetch('/graphql', {
        method: 'POST',
        headers: { ...options.headers, 'content-type': 'application/json', accept },
        body: JSON.stringify({ ...request, variables, operationName: name }),
        signal,
      });
      if (goesOn) return amvajEvents((signal) => send('text/event-stream', signal));
      const answer = await send('application/json');
      const result = await answer.json();
      examples.remember(result.data);
      return result;
    };

    const narrow = matchMedia('(max-width: 48rem)').matches;
    const root = ReactDOM.createRoot(document.getElementById('graphiql'));
    const render = () => root.render(React.createElement(GraphiQL, {
      fetcher,
      storage: tabs,
      defaultTabs: examples.tabs,
      defaultQuery: '# A new operation. Ctrl-Space completes, Ctrl-Enter sends.\n',
      defaultHeaders: token ? JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) : '',
      defaultEditorToolsVisibility: narrow ? false : 'variables',
      shouldPersistHeaders: false,
      inputValueDeprecation: true,
      forcedTheme: document.documentElement.dataset.shown,
    }, React.createElement(GraphiQL.Logo, null, '')));
    render();
    if (narrow) wrapLines(document.getElementById('graphiql'));
    document.addEventListener('amvaj-theme', render);
    document.getElementById('restore').addEventListener('click', () => {
      tabs.clear();
      location.reload();
    });
    setUpDialog(tokens);
    sayWho(guide, own, token);
  };

  for (const link of document.querySelectorAll('[data-role]')) {
    if (link.dataset.role === role) link.setAttribute('aria-current', 'page');
  }
  start().catch((error) => {
    document.getElementById('notice').textContent = `GraphiQL could not start: ${error.message}`;
  });
})();
