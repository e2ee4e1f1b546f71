// Quicksort, heapsort, a merge sort of records with a comparison function, and radix sort.
#include "bench.h"

#define MAX 65536

struct record {
    u32 key;
    u32 payload;
    double weight;
};

static u32 keys[MAX], scratch[MAX];
static i64 heap[MAX];
static struct record records[MAX], merged[MAX];

static void quicksort(u32 *low, u32 *high) {
    while (high - low > 16) {
        u32 x = low[0], y = low[(high - low) / 2], z = high[-1];
        u32 pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
        u32 *left = low - 1, *right = high;
        for (;;) {
            do left++;
            while (*left < pivot);
            do right--;
            while (*right > pivot);
            if (left >= right) break;
            u32 swapped = *left;
            *left = *right;
            *right = swapped;
        }
        if (right - low < high - right) {
            quicksort(low, right + 1);
            low = right + 1;
        } else {
            quicksort(right + 1, high);
            high = right + 1;
        }
    }
    for (u32 *at = low + 1; at < high; at++) {
        u32 value = *at, *hole = at;
        while (hole > low && hole[-1] > value) {
            *hole = hole[-1];
            hole--;
        }
        *hole = value;
    }
}

static void sift_down(u32 at, u32 size) {
    i64 value = heap[at];
    for (u32 child; (child = at * 2 + 1) < size; at = child) {
        if (child + 1 < size && heap[child + 1] > heap[child]) child++;
        if (heap[child] <= value) break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static void heapsort(u32 size) {
    for (u32 i = size / 2; i-- > 0;) sift_down(i, size);
    for (u32 end = size - 1; end > 0; end--) {
        i64 top = heap[0];
        heap[0] = heap[end];
        heap[end] = top;
        sift_down(0, end);
    }
}

static i32 by_key(const struct record *x, const struct record *y) {
    return x->key < y->key ? -1 : x->key > y->key;
}

static i32 by_weight(const struct record *x, const struct record *y) {
    return x->weight < y->weight ? -1 : x->weight > y->weight ? 1 : by_key(x, y);
}

static void merge_sort(struct record *from, struct record *spare, u32 size,
                       i32 (*compare)(const struct record *, const struct record *)) {
    if (size < 2) return;
    u32 half = size / 2;
    merge_sort(from, spare, half, compare);
    merge_sort(from + half, spare + half, size - half, compare);
    for (u32 i = 0; i < size; i++) spare[i] = from[i];
    u32 left = 0, right = half;
    for (u32 i = 0; i < size; i++) {
        if (left < half && (right == size || compare(&spare[left], &spare[right]) <= 0))
            from[i] = spare[left++];
        else
            from[i] = spare[right++];
    }
}

static void radix_sort(u32 size) {
    for (u32 shift = 0; shift < 32; shift += 8) {
        u32 counts[256] = {0};
        for (u32 i = 0; i < size; i++) counts[keys[i] >> shift & 255]++;
        for (u32 i = 0, start = 0; i < 256; i++) {
            u32 count = counts[i];
            counts[i] = start;
            start += count;
        }
        for (u32 i = 0; i < size; i++) scratch[counts[keys[i] >> shift & 255]++] = keys[i];
        for (u32 i = 0; i < size; i++) keys[i] = scratch[i];
    }
}

EXPORT("run") i64 run(i32 n) {
    u64 state = 42, sum = 0;
    u32 size = n < 2 ? 2 : n > MAX ? MAX : (u32)n;
    for (u32 i = 0; i < size; i++) keys[i] = (u32)random_u64(&state);
    quicksort(keys, keys + size);
    for (u32 i = 0; i < size; i++) sum = mix(sum, keys[i]);

    for (u32 i = 0; i < size; i++) heap[i] = (i64)random_u64(&state);
    heapsort(size);
    for (u32 i = 0; i < size; i++) sum = mix(sum, (u64)heap[i]);

    for (u32 i = 0; i < size; i++) {
        u64 random = random_u64(&state);
        records[i] = (struct record){(u32)random & 0xffff, i, (double)(random >> 40)};
    }
    merge_sort(records, merged, size, by_key);
    for (u32 i = 0; i < size; i++) sum = mix(sum, records[i].payload);
    merge_sort(records, merged, size, by_weight);
    for (u32 i = 0; i < size; i++) sum = mix(sum, records[i].payload);

    for (u32 i = 0; i < size; i++) keys[i] = (u32)random_u64(&state);
    radix_sort(size);
    for (u32 i = 0; i < size; i++) sum = mix(sum, keys[i]);
    return (i64)sum;
}
