// Samples in the manner of Netlify's: hello, geo, rewrite.

import { serve } from "./netlify.js";

const hello = () => new Response("Hello, World!");

const geo = (request, context) =>
  context.json({ geo: context.geo, header: request.headers.get("x-nf-geo"), ip: context.ip });

const rewrite = (request) => new URL("/rewritten", request.url);

const samples = { "/hello": hello, "/geo": geo, "/rewrite": rewrite };

serve((request, context) => samples[new URL(request.url).pathname]?.(request, context));
