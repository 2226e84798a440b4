// A subscription's answers, one after the other, as GraphiQL takes them: GraphQL over server-sent events, in one POST.
(() => {
  'use strict';

  /** The fields of one event, by name. */
  const fields = (event) => Object.fromEntries(event.split('\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
  }));

  async function* answers(response) {
    // Who may not ask at all is told so with one answer.
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      yield await response.json();
      return;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('The connection ended. Send it again, with the last cursor as the argument `after`.');
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const { event, data } of events.map(fields)) {
        if (event === 'complete') return;
        if (event === 'next') yield JSON.parse(data);
      }
    }
  }

  /** Asks with `ask`, which gets a signal that ends the request, and answers an iterator that GraphiQL can stop. */
  window.amvajEvents = (ask) => {
    const abort = new AbortController();
    const over = { done: true, value: undefined };
    const all = (async function* all() {
      yield* answers(await ask(abort.signal));
    })();
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        try {
          const next = abort.signal.aborted ? over : await all.next();
          return abort.signal.aborted ? over : next;
        } catch (error) {
          if (abort.signal.aborted) return over;
          throw error;
        }
      },
      async return() {
        abort.abort();
        return over;
      },
    };
  };
})();
