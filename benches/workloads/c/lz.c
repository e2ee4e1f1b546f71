// Compression and decompression: LZ77 with hash chains, its tokens in a canonical Huffman code, over made-up prose.
#include "bench.h"

#define MAX 524288
#define WINDOW 32768
#define HASH_SIZE 8192
#define MIN_MATCH 4
#define MAX_MATCH 66
// Symbols 0 to 255 are literals; each one above stands for a match's length.
#define SYMBOLS (256 + MAX_MATCH - MIN_MATCH + 1)
#define MAX_BITS 15

static u8 input[MAX + 8], output[MAX + 8], packed[MAX * 2];
static u16 tokens[MAX], distances[MAX];
static i32 head[HASH_SIZE], previous[WINDOW];
static u8 lengths[SYMBOLS];
static u16 codes[SYMBOLS];

static void make_text(u32 size) {
    static const char *const words[] = {"the ", "stream ", "of ", "small ", "machines ", "keeps ", "within ", "one ",
                                        "budget, ", "and ", "every ", "module ", "that ", "arrives ", "is ", "checked ",
                                        "before ", "it ", "runs. ", "Nothing ", "else ", "can ", "reach ", "memory\n"};
    u64 state = 11;
    u32 at = 0;
    while (at < size) {
        u64 random = random_u64(&state);
        const char *word = words[(random & 255) * (random >> 8 & 255) * 24 >> 16];
        while (*word && at < size) input[at++] = (u8)*word++;
        if ((random >> 32) % 7 == 0 && at < size) input[at++] = (u8)('0' + (random >> 40) % 10);
    }
}

static inline u32 hash(const u8 *at) {
    return ((u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24) * 2654435761u >> 19;
}

static NOINLINE u32 find_tokens(u32 size) {
    u32 count = 0;
    for (u32 i = 0; i < HASH_SIZE; i++) head[i] = -1;
    for (u32 at = 0; at < size;) {
        u32 best = 0, distance = 0;
        if (at + MIN_MATCH <= size) {
            u32 slot = hash(input + at), limit = size - at < MAX_MATCH ? size - at : MAX_MATCH;
            i32 candidate = head[slot];
            for (int tries = 0; tries < 16 && candidate >= 0 && at - (u32)candidate < WINDOW; tries++) {
                u32 length = 0;
                while (length < limit && input[(u32)candidate + length] == input[at + length]) length++;
                if (length > best) best = length, distance = at - (u32)candidate;
                candidate = previous[candidate % WINDOW];
            }
        }
        u32 length = best >= MIN_MATCH ? best : 1;
        tokens[count] = (u16)(best >= MIN_MATCH ? 256 + best - MIN_MATCH : input[at]);
        distances[count++] = (u16)distance;
        for (u32 end = at + length; at < end; at++)
            if (at + MIN_MATCH <= size) {
                u32 slot = hash(input + at);
                previous[at % WINDOW] = head[slot];
                head[slot] = (i32)at;
            }
    }
    return count;
}

// Code lengths by joining the two rarest trees over and over; if a code gets too long, flatter counts are tried.
static NOINLINE void make_lengths(const u32 *frequencies) {
    static u32 weights[SYMBOLS * 2];
    static u16 parents[SYMBOLS * 2], heap[SYMBOLS];
    for (u32 flatten = 0;; flatten++) {
        u32 size = 0, nodes = SYMBOLS;
        for (u32 s = 0; s < SYMBOLS; s++) {
            weights[s] = frequencies[s] ? (frequencies[s] >> flatten) + 1 : 0;
            if (!weights[s]) continue;
            u32 at = size++;
            while (at && weights[heap[(at - 1) / 2]] > weights[s]) heap[at] = heap[(at - 1) / 2], at = (at - 1) / 2;
            heap[at] = (u16)s;
        }
        while (size > 1) {
            u16 taken[2];
            for (int i = 0; i < 2; i++) {
                taken[i] = heap[0];
                u16 last = heap[--size];
                u32 at = 0;
                for (u32 child; (child = at * 2 + 1) < size; at = child) {
                    if (child + 1 < size && weights[heap[child + 1]] < weights[heap[child]]) child++;
                    if (weights[heap[child]] >= weights[last]) break;
                    heap[at] = heap[child];
                }
                heap[at] = last;
            }
            weights[nodes] = weights[taken[0]] + weights[taken[1]];
            parents[taken[0]] = parents[taken[1]] = (u16)nodes;
            u32 at = size++;
            while (at && weights[heap[(at - 1) / 2]] > weights[nodes]) heap[at] = heap[(at - 1) / 2], at = (at - 1) / 2;
            heap[at] = (u16)nodes++;
        }
        u32 longest = 0;
        for (u32 s = 0; s < SYMBOLS; s++) {
            u32 length = 0;
            if (weights[s])
                for (u32 at = s; at != nodes - 1; at = parents[at]) length++;
            lengths[s] = (u8)length;
            if (length > longest) longest = length;
        }
        if (longest <= MAX_BITS) return;
    }
}

static u16 first_code[MAX_BITS + 2], first_index[MAX_BITS + 2], by_code[SYMBOLS];

static void make_codes(void) {
    u16 code = 0, index = 0;
    for (u32 length = 1; length <= MAX_BITS; length++) {
        code = (u16)(code << 1);
        first_code[length] = code;
        first_index[length] = index;
        for (u16 s = 0; s < SYMBOLS; s++)
            if (lengths[s] == length) codes[s] = code++, by_code[index++] = s;
    }
    first_index[MAX_BITS + 1] = index;
}

static u64 bit_buffer;
static u32 bit_count, byte_at;

static inline void put(u32 value, u32 bits) {
    bit_buffer = bit_buffer << bits | value;
    bit_count += bits;
    while (bit_count >= 8) packed[byte_at++] = (u8)(bit_buffer >> (bit_count -= 8));
}

static inline u32 get(u32 bits) {
    while (bit_count < bits) bit_buffer = bit_buffer << 8 | packed[byte_at++], bit_count += 8;
    bit_count -= bits;
    return (u32)(bit_buffer >> bit_count) & ((1u << bits) - 1);
}

static NOINLINE u32 compress(u32 size) {
    u32 frequencies[SYMBOLS] = {0}, count = find_tokens(size);
    for (u32 i = 0; i < count; i++) frequencies[tokens[i]]++;
    make_lengths(frequencies);
    make_codes();
    bit_buffer = 0, bit_count = byte_at = 0;
    for (u32 s = 0; s < SYMBOLS; s++) put(lengths[s], 4);
    for (u32 i = 0; i < count; i++) {
        put(codes[tokens[i]], lengths[tokens[i]]);
        if (tokens[i] >= 256) put(distances[i], 15);
    }
    put(0, 7);
    return byte_at;
}

static NOINLINE void decompress(u32 size) {
    bit_buffer = 0, bit_count = byte_at = 0;
    for (u32 s = 0; s < SYMBOLS; s++) lengths[s] = (u8)get(4);
    make_codes();
    for (u32 at = 0; at < size;) {
        u32 code = 0, length = 0, symbol;
        for (;;) {
            code = code << 1 | get(1);
            length++;
            u32 index = first_index[length] + code - first_code[length];
            if (code >= first_code[length] && index < first_index[length + 1]) {
                symbol = by_code[index];
                break;
            }
        }
        if (symbol < 256) {
            output[at++] = (u8)symbol;
        } else {
            u32 from = at - get(15);
            for (u32 end = at + symbol - 256 + MIN_MATCH; at < end; at++) output[at] = output[from++];
        }
    }
}

EXPORT("run") i64 run(i32 n) {
    u32 size = n > MAX ? MAX : (u32)n;
    make_text(size);
    for (u32 i = 0; i < size; i++) output[i] = 0;
    u64 sum = mix(0, compress(size));
    for (u32 i = 0; i < byte_at; i++) sum = mix(sum, packed[i]);
    decompress(size);
    for (u32 i = 0; i < size; i++)
        if (input[i] != output[i]) return -1;
    return (i64)sum;
}
