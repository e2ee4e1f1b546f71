// A script as people put into sandboxes: some recursion, arrays, a sort, an object as a map, strings.
function fib(n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
const numbers = [];
for (let i = 0; i < 2000; i++) numbers.push((i * 7919) % 1009);
numbers.sort((a, b) => a - b);
const counts = {};
for (const n of numbers) counts["n" + n] = (counts["n" + n] || 0) + 1;
console.log(fib(15), Object.keys(counts).length, numbers.map((n) => n.toString(16)).join("").length);
