// An application for Fastly Compute in JavaScript: fetch, streams, JSON, crypto, timers.

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function answer({ request }) {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/":
      return new Response("an application in JavaScript\n");
    case "/json": {
      const sent = await request.json();
      return Response.json({ names: Object.keys(sent), sum: Object.values(sent).reduce((a, b) => a + b, 0) });
    }
    case "/digest": {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
      return new Response(hex(digest));
    }
    case "/timer": {
      const began = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 30));
      return new Response(String(Date.now() - began >= 29));
    }
    case "/stream": {
      let line = 0;
      const body = new ReadableStream({
        pull(controller) {
          if (line === 3) return controller.close();
          controller.enqueue(new TextEncoder().encode(`line ${line++}\n`));
        },
      });
      return new Response(body);
    }
    case "/upper": {
      const upper = new TransformStream({
        transform: (chunk, controller) =>
          controller.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())),
      });
      return new Response(request.body.pipeThrough(upper));
    }
    case "/origin": {
      const answer = await fetch("http://example.org/", { backend: "origin" });
      return new Response(answer.body, { status: answer.status, headers: { "x-passed": "app" } });
    }
    case "/both": {
      const ask = (path) => fetch(`http://example.org${path}`, { backend: "origin" }).then((answer) => answer.text());
      return new Response((await Promise.all([ask("/a"), ask("/b")])).join("\n"));
    }
    case "/throw":
      throw new Error("as asked");
    default:
      return new Response("not here\n", { status: 404 });
  }
}

addEventListener("fetch", (event) => event.respondWith(answer(event)));
