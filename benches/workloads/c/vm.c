// An interpreter inside: a stack machine's loop around one switch, running a sieve, Collatz and a recursive function.
#include "bench.h"

enum op {
    PUSH, LOAD, STORE, ADD, SUB, MUL, DIV, MOD, AND, LESS, EQUAL, JUMP, JUMP_IF_NOT, GET, SET, CALL, RETURN, DUP,
    SWAP, HALT
};

#define MEMORY 8192

static i32 memory[MEMORY];
static i32 stack[4096];
static u32 frames[1024];
static u8 code[1024];
static u32 size;

static u32 emit(enum op op) {
    code[size] = (u8)op;
    return size++;
}

static u32 emit_with(enum op op, i32 operand) {
    u32 at = emit(op);
    for (int i = 0; i < 4; i++) code[size++] = (u8)((u32)operand >> 8 * i);
    return at;
}

static void patch(u32 at, u32 target) {
    for (int i = 0; i < 4; i++) code[at + 1 + i] = (u8)(target >> 8 * i);
}

static inline i32 operand(u32 at) {
    return (i32)((u32)code[at] | (u32)code[at + 1] << 8 | (u32)code[at + 2] << 16 | (u32)code[at + 3] << 24);
}

static NOINLINE i32 execute(u32 pc, u64 *steps) {
    i32 *sp = stack;
    i32 locals[16] = {0};
    u32 depth = 0;
    for (;;) {
        ++*steps;
        switch ((enum op)code[pc++]) {
        case PUSH: *sp++ = operand(pc), pc += 4; break;
        case LOAD: sp[-1] = memory[(u32)sp[-1] % MEMORY]; break;
        case STORE: sp -= 2, memory[(u32)sp[0] % MEMORY] = sp[1]; break;
        case ADD: sp--, sp[-1] = (i32)((u32)sp[-1] + (u32)sp[0]); break;
        case SUB: sp--, sp[-1] = (i32)((u32)sp[-1] - (u32)sp[0]); break;
        case MUL: sp--, sp[-1] = (i32)((u32)sp[-1] * (u32)sp[0]); break;
        case DIV: sp--, sp[-1] = sp[0] > 0 ? sp[-1] / sp[0] : 0; break;
        case MOD: sp--, sp[-1] = sp[0] > 0 ? sp[-1] % sp[0] : 0; break;
        case AND: sp--, sp[-1] &= sp[0]; break;
        case LESS: sp--, sp[-1] = sp[-1] < sp[0]; break;
        case EQUAL: sp--, sp[-1] = sp[-1] == sp[0]; break;
        case JUMP: pc = (u32)operand(pc); break;
        case JUMP_IF_NOT: pc = *--sp ? pc + 4 : (u32)operand(pc); break;
        case GET: *sp++ = locals[code[pc] & 15], pc += 4; break;
        case SET: locals[code[pc] & 15] = *--sp, pc += 4; break;
        case CALL: frames[depth++] = pc + 4, pc = (u32)operand(pc); break;
        case RETURN: pc = frames[--depth]; break;
        case DUP: *sp = sp[-1], sp++; break;
        case SWAP: {
            i32 top = sp[-1];
            sp[-1] = sp[-2], sp[-2] = top;
            break;
        }
        case HALT: return sp[-1];
        }
    }
}

static void get(i32 local) { emit_with(GET, local); }
static void set(i32 local) { emit_with(SET, local); }
static void push(i32 value) { emit_with(PUSH, value); }

static void increment(i32 local) {
    get(local), push(1), emit(ADD), set(local);
}

// The count of primes below the limit.
static void sieve(i32 limit) {
    push(2), set(0);
    u32 clear = size;
    get(0), push(limit), emit(LESS);
    u32 cleared = emit_with(JUMP_IF_NOT, 0);
    get(0), push(1), emit(STORE), increment(0);
    emit_with(JUMP, (i32)clear);
    patch(cleared, size);
    push(2), set(0), push(0), set(2);
    u32 outer = size;
    get(0), push(limit), emit(LESS);
    u32 done = emit_with(JUMP_IF_NOT, 0);
    get(0), emit(LOAD);
    u32 composite = emit_with(JUMP_IF_NOT, 0);
    increment(2);
    get(0), emit(DUP), emit(MUL), set(1);
    u32 inner = size;
    get(1), push(limit), emit(LESS);
    u32 struck = emit_with(JUMP_IF_NOT, 0);
    get(1), push(0), emit(STORE);
    get(1), get(0), emit(ADD), set(1);
    emit_with(JUMP, (i32)inner);
    patch(struck, size);
    patch(composite, size);
    increment(0);
    emit_with(JUMP, (i32)outer);
    patch(done, size);
}

// The steps of all Collatz sequences from 1 to the limit.
static void collatz(i32 limit) {
    push(1), set(3), push(0), set(5);
    u32 outer = size;
    get(3), push(limit), emit(LESS);
    u32 done = emit_with(JUMP_IF_NOT, 0);
    get(3), set(4);
    u32 step = size;
    get(4), push(1), emit(EQUAL);
    u32 more = emit_with(JUMP_IF_NOT, 0);
    u32 reached = emit_with(JUMP, 0);
    patch(more, size);
    increment(5);
    get(4), push(1), emit(AND);
    u32 even = emit_with(JUMP_IF_NOT, 0);
    get(4), push(3), emit(MUL), push(1), emit(ADD), set(4);
    emit_with(JUMP, (i32)step);
    patch(even, size);
    get(4), push(2), emit(DIV), set(4);
    emit_with(JUMP, (i32)step);
    patch(reached, size);
    increment(3);
    emit_with(JUMP, (i32)outer);
    patch(done, size);
}

// A call to Fibonacci's function, whose argument and result are on the stack.
static void fibonacci(i32 n) {
    u32 over = emit_with(JUMP, 0);
    u32 function = size;
    emit(DUP), push(2), emit(LESS);
    u32 recurse = emit_with(JUMP_IF_NOT, 0);
    emit(RETURN);
    patch(recurse, size);
    emit(DUP), push(1), emit(SUB);
    emit_with(CALL, (i32)function);
    emit(SWAP), push(2), emit(SUB);
    emit_with(CALL, (i32)function);
    emit(ADD), emit(RETURN);
    patch(over, size);
    push(n);
    emit_with(CALL, (i32)function);
}

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0;
    size = 0;
    for (u32 i = 0; i < MEMORY; i++) memory[i] = 0;
    sieve(MEMORY);
    collatz(n);
    fibonacci(17);
    get(2), get(5), emit(ADD), emit(ADD), emit(HALT);
    u64 steps = 0;
    sum = mix(sum, (u64)(u32)execute(0, &steps));
    return (i64)mix(sum, steps);
}
