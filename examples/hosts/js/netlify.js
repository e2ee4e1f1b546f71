// Netlify's edge functions in Fastly's engine: a handler gets a request and a context.
//
// What is here of the context: `geo` (empty: a host knows no places), `ip`, `next()` and `rewrite(path)`, which ask the
// backend `origin`, `log` and `json`. Cookies, sites, deploys and Netlify's own storage aren't.

export function serve(handler, backend = "origin") {
  addEventListener("fetch", (event) => event.respondWith(answer(event, handler, backend)));
}

async function answer(event, handler, backend) {
  const { request, client } = event;
  const ask = (url, from = request) => fetch(new Request(url, from), { backend });
  const context = {
    geo: {},
    ip: client.address,
    requestId: crypto.randomUUID(),
    next: (from = request) => ask(from.url, from),
    rewrite: (path) => ask(new URL(path, request.url)),
    json: (value, init) => Response.json(value, init),
    log: console.log,
  };
  const result = await handler(request, context);
  // A handler that gives a URL rewrites, and one that gives nothing lets the request go on.
  if (result instanceof URL) return ask(result);
  return result ?? context.next();
}
