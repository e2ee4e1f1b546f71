// Cloudflare's module workers in Fastly's engine: `fetch(request, env, context)` of a default export.
//
// What is here: `env` with variables and with KV namespaces over Fastly's stores of the same names (get, put, delete),
// `context.waitUntil` and `passThroughOnException`, which asks the backend `origin`. Outgoing requests go to the backend
// `origin`, whatever their URL: a host has no open internet. Durable objects, queues, D1, R2, caches and `request.cf` aren't.

import { KVStore } from "fastly:kv-store";

class Namespace {
  #store;

  constructor(name) {
    this.#store = new KVStore(name);
  }

  async get(key, type = "text") {
    const entry = await this.#store.get(key);
    if (entry === null) return null;
    return type === "json" ? JSON.parse(await entry.text()) : type === "stream" ? entry.body : entry.text();
  }

  put(key, value) {
    return this.#store.put(key, value);
  }

  delete(key) {
    return this.#store.delete(key);
  }
}

export function serve(worker, { variables = {}, namespaces = [], backend = "origin" } = {}) {
  const ask = globalThis.fetch;
  globalThis.fetch = (input, init) => ask(input, { ...init, backend });
  addEventListener("fetch", (event) => event.respondWith(answer(event, worker, variables, namespaces)));
}

async function answer(event, worker, variables, namespaces) {
  const env = { ...variables };
  for (const name of namespaces) env[name] = new Namespace(name);
  let passes = false;
  const context = {
    waitUntil: (promise) => event.waitUntil(promise),
    passThroughOnException: () => (passes = true),
  };
  try {
    return await worker.fetch(event.request, env, context);
  } catch (error) {
    if (passes) return fetch(event.request);
    throw error;
  }
}
