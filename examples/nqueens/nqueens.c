/* Counts the ways to place N queens on an N by N board (N from the first argument, 14 by default),
   and folds every solution into a checksum. Integer work and recursion only. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t full;
static uint64_t solutions, checksum;

static void place(int row, uint32_t columns, uint32_t left, uint32_t right, uint64_t hash) {
    if (columns == full) {
        solutions++;
        checksum ^= hash;
        return;
    }
    uint32_t free = full & ~(columns | left | right);
    while (free) {
        uint32_t queen = free & -free;
        free ^= queen;
        uint64_t next = (hash ^ queen) * 0x100000001b3u + (uint64_t)row;
        place(row + 1, columns | queen, (left | queen) << 1, (right | queen) >> 1, next);
    }
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 14;
    if (n < 1 || n > 20) {
        fprintf(stderr, "usage: nqueens [N]   (1 to 20)\n");
        return 2;
    }
    full = (1u << n) - 1;
    place(0, 0, 0, 0, 0xcbf29ce484222325u);
    printf("%d queens: %llu solutions, checksum %016llx\n", n, (unsigned long long)solutions,
           (unsigned long long)checksum);
    return 0;
}
