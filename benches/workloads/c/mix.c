// The work of small embedded programs in turn: linked lists, an integer matrix, a state machine over text, a CRC.
#include "bench.h"

#define NODES 250
#define SIZE 20
#define TEXT 1200

struct node {
    struct node *next;
    i16 key;
    u16 index;
};

static struct node nodes[NODES];
static i16 a[SIZE][SIZE], b[SIZE][SIZE];
static i32 product[SIZE][SIZE];
static char text[TEXT];

static u16 crc16(u32 value, u16 crc) {
    for (int bit = 0; bit < 16; bit++) {
        u16 carry = (value ^ crc) & 1;
        value >>= 1;
        crc >>= 1;
        if (carry) crc ^= 0xa001;
    }
    return crc;
}

typedef i32 (*compare_fn)(const struct node *, const struct node *);

static i32 by_key(const struct node *x, const struct node *y) { return x->key - y->key; }
static i32 by_index(const struct node *x, const struct node *y) { return (i32)x->index - (i32)y->index; }

static NOINLINE struct node *merge_sort(struct node *list, compare_fn compare) {
    for (u32 width = 1;; width *= 2) {
        struct node *left = list, *tail = 0;
        u32 merges = 0;
        list = 0;
        while (left) {
            struct node *right = left;
            u32 left_size = 0, right_size = width;
            merges++;
            while (left_size < width && right) {
                left_size++;
                right = right->next;
            }
            while (left_size || (right_size && right)) {
                struct node *taken;
                if (left_size && (!right_size || !right || compare(left, right) <= 0)) {
                    taken = left;
                    left = left->next;
                    left_size--;
                } else {
                    taken = right;
                    right = right->next;
                    right_size--;
                }
                if (tail)
                    tail->next = taken;
                else
                    list = taken;
                tail = taken;
            }
            left = right;
        }
        tail->next = 0;
        if (merges <= 1) return list;
    }
}

static NOINLINE struct node *reverse(struct node *list) {
    struct node *done = 0;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static NOINLINE struct node *find(struct node *list, i16 key) {
    while (list && (list->key & 0xff) != key) list = list->next;
    return list;
}

static u16 list_work(u16 seed, u16 crc) {
    for (u32 i = 0; i < NODES; i++) {
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
        nodes[i].key = (i16)((i * 7919 + seed * 31) & 0x7fff);
        nodes[i].index = (u16)i;
    }
    struct node *list = nodes;
    for (i16 key = 0; key < 40; key++) {
        list = reverse(list);
        struct node *found = find(list, key);
        crc = crc16(found ? (u32)found->key : 0xffff, crc);
        // What is asked for moves to the front's successor.
        if (found && found->next) {
            struct node *moved = found->next;
            found->next = moved->next;
            moved->next = list->next;
            list->next = moved;
        }
    }
    list = merge_sort(list, by_key);
    for (struct node *at = list; at; at = at->next) crc = crc16((u32)at->key, crc);
    list = merge_sort(list, by_index);
    return crc16(list->next->index, crc);
}

static u16 matrix_work(u16 seed, u16 crc) {
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            a[i][j] = (i16)(i * seed + j);
            b[i][j] = (i16)(j * 3 + i + seed);
        }
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) a[i][j] = (i16)(a[i][j] + (seed & 15));
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            i32 sum = 0;
            for (u32 k = 0; k < SIZE; k++) sum += (i32)a[i][k] * (i32)b[k][j];
            product[i][j] = sum;
        }
    i32 sum = 0, last = 0;
    i16 result = 0;
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            i32 value = product[i][j];
            sum += ((value >> 2) & 15) * ((value >> 5) & 127);
            if (sum > 4000) {
                result += 10;
                sum = 0;
            } else {
                result += value > last;
            }
            last = value;
        }
    return crc16((u16)result, crc16((u32)sum, crc));
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };

static NOINLINE enum state next_number(const char **at, u32 *transitions) {
    enum state state = START;
    for (; **at; (*at)++) {
        char c = **at;
        if (c == ',') {
            (*at)++;
            break;
        }
        int digit = c >= '0' && c <= '9';
        enum state next = state;
        switch (state) {
        case START:
            next = digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID;
            break;
        case SIGN: next = digit ? INTEGER : c == '.' ? POINT : INVALID; break;
        case INTEGER:
            if (c == '.')
                next = FRACTION;
            else if (c == 'e' || c == 'E')
                next = EXPONENT;
            else if (!digit)
                next = INVALID;
            break;
        case POINT: next = digit ? FRACTION : INVALID; break;
        case FRACTION:
            if (c == 'e' || c == 'E')
                next = EXPONENT;
            else if (!digit)
                next = INVALID;
            break;
        case EXPONENT: next = digit ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : INVALID; break;
        case EXPONENT_SIGN: next = digit ? SCIENTIFIC : INVALID; break;
        case SCIENTIFIC:
            if (!digit) next = INVALID;
            break;
        default: break;
        }
        if (next != state) transitions[next]++;
        state = next;
        if (state == INVALID) {
            while (**at && **at != ',') (*at)++;
            if (**at) (*at)++;
            break;
        }
    }
    return state;
}

static void fill_text(u16 seed) {
    static const char *const words[] = {"5012", "-874", "+122", "35.54400", "-.1234500", "+0.64400", "5.500e+3",
                                        "-.123e-2", "-87e+832", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "", "7"};
    u32 at = 0;
    for (u32 i = seed;; i = i * 5 + 3) {
        const char *word = words[(i >> 3) % (sizeof words / sizeof *words)];
        u32 length = 0;
        while (word[length]) length++;
        if (at + length + 2 > TEXT) break;
        for (u32 j = 0; j < length; j++) text[at++] = word[j];
        text[at++] = ',';
    }
    text[at] = 0;
}

static u16 state_work(u16 seed, u16 crc) {
    u32 finals[STATES] = {0}, transitions[STATES] = {0};
    fill_text(seed);
    for (int pass = 0; pass < 2; pass++) {
        const char *at = text;
        while (*at) finals[next_number(&at, transitions)]++;
        for (u32 i = 0; i < TEXT && text[i]; i += seed % 17 + 3)
            if (text[i] != ',') text[i] ^= (char)(seed & 1);
    }
    for (int i = 0; i < STATES; i++) crc = crc16(transitions[i], crc16(finals[i], crc));
    return crc;
}

EXPORT("run") i64 run(i32 n) {
    u64 sum = 0;
    u16 crc = 0;
    for (i32 i = 1; i <= n; i++) {
        u16 seed = (u16)(i * 37 + 1);
        crc = list_work(seed, crc);
        crc = matrix_work(seed, crc);
        crc = state_work(seed, crc);
        sum = mix(sum, crc);
    }
    return (i64)sum;
}
