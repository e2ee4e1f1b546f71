/* `divide_all` divides by what it is given, in a function that is inlined in another. */

#define EXPORT(name) __attribute__((export_name(#name)))

static inline __attribute__((always_inline)) int divide(int a, int b) {
    return a / b;
}

__attribute__((noinline)) static int twice(int by) {
    return 2 * divide(1 << 20, by);
}

EXPORT(divide_all) int divide_all(int by) {
    return twice(by) + 1;
}
