// The same as `benches/src/bin/policies.rs`, by npm's @open-policy-agent/opa-wasm.
// node.mjs POLICY ENTRYPOINT INPUT DATA [SECONDS]; with 0 seconds, one result is printed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// As many times are kept: more would be memory that isn't the policy's.
const KEPT = 20000;

const require = createRequire(process.cwd() + "/");
const { loadPolicy } = require("@open-policy-agent/opa-wasm");

const [file, entrypoint, inputFile, dataFile, given = "3"] = process.argv.slice(2);
// A buffer with JSON is the fastest way in that the package has.
const [seconds, input] = [Number(given), Uint8Array.from(readFileSync(inputFile)).buffer];
const policy = await loadPolicy(readFileSync(file));
policy.setData(JSON.parse(readFileSync(dataFile, "utf8")));
const evaluate = () => policy.evaluate(input, entrypoint);
const result = JSON.stringify(evaluate());
if (seconds === 0) {
    console.log(result);
} else {
    const now = () => Number(process.hrtime.bigint());
    const warm = now();
    while (now() - warm < (seconds / 3) * 1e9) evaluate();
    const times = new Float64Array(KEPT);
    let count = 0;
    const start = now();
    while (now() - start < seconds * 1e9) {
        const begin = now();
        evaluate();
        times[count++ % KEPT] = now() - begin;
    }
    const rate = count / ((now() - start) / 1e9);
    times.sort();
    const percentile = (percent) => times[Math.floor((times.length * percent) / 100)] / 1e3;
    const peak = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
    console.log(JSON.stringify({
        engine: "opa-wasm on Node", result, per_second: Math.round(rate), median_us: percentile(50),
        p99_us: percentile(99), peak_kib: Number(peak),
    }));
}
