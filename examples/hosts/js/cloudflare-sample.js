// A module worker, as Cloudflare's are written, and the line that serves it.

import { serve } from "./cloudflare.js";

const worker = {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/count") {
      const count = Number((await env.VISITS.get("count")) ?? 0) + 1;
      context.waitUntil(env.VISITS.put("count", String(count)));
      return new Response(`${env.GREETING}, visitor ${count}`);
    }
    if (pathname === "/origin") return fetch("https://example.org/");
    return new Response("not here", { status: 404 });
  },
};

export default worker;

serve(worker, { variables: { GREETING: "Hello" }, namespaces: ["VISITS"] });
