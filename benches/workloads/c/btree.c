// A B-tree in pages of 1024 bytes with records of varying size, as a small database keeps its tables: inserts, point
// queries and a scan in order. Keys are compared byte by byte, cells are found through a sorted directory.
#include "bench.h"

#define PAGE 1024
#define PAGES 4096
#define MAX_DEPTH 12

// A page: u8 leaf, u8 unused, u16 count, u16 bottom of the cells, u16 unused, u32 rightmost child, then the directory
// of u16 offsets that grows up towards the cells, which grow down.
// A cell: u8 key size, u8 value size, u32 child (inner pages), the key, the value.
static u8 pages[PAGES][PAGE];
static u32 page_count, root;

#define HEADER 12

static inline u32 get16(const u8 *at) { return (u32)at[0] | (u32)at[1] << 8; }
static inline void set16(u8 *at, u32 value) { at[0] = (u8)value, at[1] = (u8)(value >> 8); }
static inline u32 get32(const u8 *at) { return get16(at) | get16(at + 2) << 16; }
static inline void set32(u8 *at, u32 value) { set16(at, value), set16(at + 2, value >> 16); }

static inline u32 count(const u8 *page) { return get16(page + 2); }
static inline u8 *cell(u8 *page, u32 index) { return page + get16(page + HEADER + index * 2); }
static inline u32 cell_size(const u8 *at) { return 6u + at[0] + at[1]; }

static void clear(u8 *page, int leaf) {
    page[0] = (u8)leaf;
    set16(page + 2, 0);
    set16(page + 4, PAGE);
    set32(page + 8, 0);
}

static NOINLINE i32 compare(const u8 *x, u32 x_size, const u8 *y, u32 y_size) {
    u32 shorter = x_size < y_size ? x_size : y_size;
    for (u32 i = 0; i < shorter; i++)
        if (x[i] != y[i]) return (i32)x[i] - (i32)y[i];
    return (i32)x_size - (i32)y_size;
}

// The first cell whose key is not below the given one.
static NOINLINE u32 search(u8 *page, const u8 *key, u32 key_size, int *found) {
    u32 low = 0, high = count(page);
    *found = 0;
    while (low < high) {
        u32 middle = (low + high) / 2;
        u8 *at = cell(page, middle);
        i32 order = compare(at + 6, at[0], key, key_size);
        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int has_room(const u8 *page, u32 size) {
    return HEADER + count(page) * 2 + 2 + size <= get16(page + 4);
}

static void insert_cell(u8 *page, u32 index, const u8 *from, u32 size) {
    u32 cells = count(page), bottom = get16(page + 4) - size;
    for (u32 i = 0; i < size; i++) page[bottom + i] = from[i];
    u8 *directory = page + HEADER;
    for (u32 i = cells; i > index; i--) set16(directory + i * 2, get16(directory + i * 2 - 2));
    set16(directory + index * 2, bottom);
    set16(page + 2, cells + 1);
    set16(page + 4, bottom);
}

// The child that holds keys up to and including those equal to a cell's.
static u32 child(u8 *page, u32 index) {
    return index < count(page) ? get32(cell(page, index) + 2) : get32(page + 8);
}

// Moves the lower half of a page into a new one, whose greatest key then separates them. Returns the new page.
static NOINLINE u32 split(u8 *page, u8 *separator) {
    static u8 copy[PAGE];
    u32 lower = page_count++, cells = count(page), half = cells / 2;
    __builtin_memcpy(copy, page, PAGE);
    u32 rightmost = get32(page + 8);
    clear(pages[lower], page[0]);
    clear(page, page[0]);
    for (u32 i = 0; i < half; i++) insert_cell(pages[lower], i, cell(copy, i), cell_size(cell(copy, i)));
    u8 *greatest = cell(copy, half - 1);
    separator[0] = greatest[0];
    separator[1] = 0;
    set32(separator + 2, lower);
    for (u32 i = 0; i < greatest[0]; i++) separator[6 + i] = greatest[6 + i];
    if (!copy[0]) {
        // An inner page gives its last cell up to the parent and keeps the child.
        set16(pages[lower] + 2, half - 1);
        set32(pages[lower] + 8, get32(greatest + 2));
    }
    for (u32 i = half; i < cells; i++) insert_cell(page, i - half, cell(copy, i), cell_size(cell(copy, i)));
    set32(page + 8, rightmost);
    return lower;
}

static int insert(const u8 *record) {
    u32 path[MAX_DEPTH], indices[MAX_DEPTH], depth = 0, at = root;
    int found;
    for (;;) {
        u32 index = search(pages[at], record + 6, record[0], &found);
        path[depth] = at;
        indices[depth++] = index;
        if (pages[at][0]) break;
        at = child(pages[at], index);
    }
    if (found) {
        u8 *old = cell(pages[at], indices[depth - 1]);
        if (old[1] == record[1])
            for (u32 i = 0; i < record[1]; i++) old[6 + old[0] + i] = record[6 + record[0] + i];
        return 0;
    }
    static u8 pending[PAGE], separator[PAGE];
    u32 size = cell_size(record);
    for (u32 i = 0; i < size; i++) pending[i] = record[i];
    while (depth-- > 0) {
        u8 *page = pages[path[depth]];
        if (has_room(page, size)) {
            insert_cell(page, indices[depth], pending, size);
            return 1;
        }
        u32 lower = split(page, separator);
        i32 order = compare(pending + 6, pending[0], separator + 6, separator[0]);
        u8 *half = order <= 0 ? pages[lower] : page;
        insert_cell(half, search(half, pending + 6, pending[0], &found), pending, size);
        size = cell_size(separator);
        for (u32 i = 0; i < size; i++) pending[i] = separator[i];
    }
    u32 grown = page_count++;
    clear(pages[grown], 0);
    set32(pages[grown] + 8, root);
    insert_cell(pages[grown], 0, pending, size);
    root = grown;
    return 1;
}

static u8 *look_up(const u8 *key, u32 key_size) {
    u32 at = root;
    for (;;) {
        int found;
        u32 index = search(pages[at], key, key_size, &found);
        if (pages[at][0]) return found ? cell(pages[at], index) : 0;
        at = child(pages[at], index);
    }
}

static u64 scan(u32 at, u64 sum) {
    u8 *page = pages[at];
    for (u32 i = 0; i < count(page); i++) {
        if (!page[0]) {
            sum = scan(child(page, i), sum);
        } else {
            u8 *record = cell(page, i);
            sum = mix(sum, record[6] | (u64)record[6 + record[0]] << 8);
        }
    }
    return page[0] ? sum : scan(child(page, count(page)), sum);
}

static void make_record(u8 *record, u64 random) {
    record[0] = (u8)(6 + random % 11);
    record[1] = (u8)(8 + (random >> 8) % 25);
    for (u32 i = 0; i < record[0]; i++) record[6 + i] = (u8)('a' + (random >> (i % 8 * 5)) % 26);
    for (u32 i = 0; i < record[1]; i++) record[6 + record[0] + i] = (u8)(random >> i % 56);
}

EXPORT("run") i64 run(i32 n) {
    u64 state = 5, sum = 0;
    u8 record[64];
    page_count = 1;
    root = 0;
    clear(pages[0], 1);
    u32 stored = 0;
    for (i32 i = 0; i < n; i++) {
        make_record(record, random_u64(&state));
        stored += (u32)insert(record);
    }
    sum = mix(sum, stored);
    state = 5;
    for (i32 i = 0; i < n * 2; i++) {
        make_record(record, random_u64(&state));
        u8 *found = look_up(record + 6, record[0]);
        if (i < n && !found) return -1;
        sum = mix(sum, found ? found[6 + found[0]] : 1);
    }
    return (i64)scan(root, mix(sum, page_count));
}
