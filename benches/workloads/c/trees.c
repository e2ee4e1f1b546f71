// Many small allocations: binary trees from a first-fit free list that splits and joins its blocks.
#include "bench.h"

struct block {
    u32 size;
    struct block *next;
};

struct tree {
    struct tree *left, *right;
    u64 value;
};

static u64 heap[1 << 16];
static struct block *free_list;

static NOINLINE void *allocate(u32 size) {
    size = (size + sizeof(struct block) + 15) & ~15u;
    for (struct block **link = &free_list; *link; link = &(*link)->next) {
        struct block *block = *link;
        if (block->size < size) continue;
        if (block->size - size >= 32) {
            struct block *rest = (struct block *)((u8 *)block + size);
            rest->size = block->size - size;
            rest->next = block->next;
            *link = rest;
            block->size = size;
        } else {
            *link = block->next;
        }
        return block + 1;
    }
    __builtin_trap();
}

static NOINLINE void release(void *memory) {
    struct block *block = (struct block *)memory - 1;
    struct block *next = free_list;
    if (next && (u8 *)block + block->size == (u8 *)next) {
        block->size += next->size;
        next = next->next;
    }
    block->next = next;
    free_list = block;
}

static NOINLINE struct tree *build(u32 depth, u64 value) {
    struct tree *tree = allocate(sizeof *tree);
    tree->value = value;
    tree->left = depth ? build(depth - 1, value * 2) : 0;
    tree->right = depth ? build(depth - 1, value * 2 + 1) : 0;
    return tree;
}

static NOINLINE u64 take_down(struct tree *tree) {
    u64 sum = tree->value;
    if (tree->right) sum = sum * 3 + take_down(tree->right);
    if (tree->left) sum = sum * 5 + take_down(tree->left);
    release(tree);
    return sum;
}

EXPORT("run") i64 run(i32 n) {
    free_list = (struct block *)heap;
    free_list->size = sizeof heap;
    free_list->next = 0;
    u64 sum = 0;
    struct tree *lasting = build(10, 1);
    for (i32 i = 0; i < n; i++) {
        u32 depth = 4 + (u32)i % 6;
        struct tree *x = build(depth, (u64)i), *y = build(depth / 2, 7);
        sum = mix(sum, take_down(y));
        sum = mix(sum, take_down(x));
    }
    return (i64)mix(sum, take_down(lasting));
}
