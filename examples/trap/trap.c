/* Ends in the way its first argument asks for, so that a host's traps, backtraces, limits and exit codes can be
   looked at. The function names are kept in the module, and nothing is inlined, so a backtrace shows
   main -> run -> the function that failed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP __attribute__((noinline))

KEEP static void reach_unreachable(void) { __builtin_trap(); }

/* Operands are volatile, so that the compiler can't see the fault coming and leave it out. */
KEEP static int read_out_of_bounds(void) {
    volatile uintptr_t address = 0xfffffff0u;
    return *(volatile int *)address;
}

KEEP static int divide_by_zero(void) {
    volatile int one = 1, zero = 0;
    return one / zero;
}

KEEP static int overflow_division(void) {
    volatile int least = INT32_MIN, minus_one = -1;
    return least / minus_one;
}

KEEP static int call_null(void) {
    int (*volatile function)(void) = NULL;
    return function();
}

static int one_parameter(int x) { return x; }

KEEP static int call_wrong_type(void) {
    volatile uintptr_t function = (uintptr_t)one_parameter;
    return (int)((long long (*)(double))function)(1.0);
}

/* Needs no stack in linear memory, so that the host's call stack is what runs out; the empty assembly keeps the
   compiler from turning the recursion into a loop. */
#pragma clang diagnostic ignored "-Winfinite-recursion"
KEEP static int recurse(int depth) {
    int deeper = recurse(depth + 1);
    __asm__ volatile("" : "+r"(deeper));
    return deeper + depth;
}

KEEP static void loop_for_ever(void) {
    for (volatile unsigned n = 0;; n++) {
    }
}

KEEP static int run(const char *mode, const char *operand) {
    if (!strcmp(mode, "unreachable")) reach_unreachable();
    else if (!strcmp(mode, "memory")) return read_out_of_bounds();
    else if (!strcmp(mode, "divide")) return divide_by_zero();
    else if (!strcmp(mode, "overflow")) return overflow_division();
    else if (!strcmp(mode, "null")) return call_null();
    else if (!strcmp(mode, "type")) return call_wrong_type();
    else if (!strcmp(mode, "stack")) return recurse(1);
    else if (!strcmp(mode, "loop")) loop_for_ever();
    else if (!strcmp(mode, "abort")) abort();
    else if (!strcmp(mode, "exit")) exit(operand ? atoi(operand) : 0);
    return -1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("usage: trap unreachable|memory|divide|overflow|null|type|stack|loop|abort|exit [N]\n", stderr);
        return 2;
    }
    printf("about to %s\n", argv[1]);
    fflush(stdout);
    if (run(argv[1], argc > 2 ? argv[2] : NULL) == -1) {
        fprintf(stderr, "trap: unknown mode '%s'\n", argv[1]);
        return 2;
    }
    return 0;
}
