// Methods by tables of functions: tasks of four kinds that a scheduler runs, and shapes whose areas are summed.
#include "bench.h"

typedef struct Task Task;
typedef struct {
    u32 (*step)(Task *, u32);
    u32 (*wants)(const Task *);
} Kind;
struct Task {
    const Kind *kind;
    Task *next;
    u32 a, b, left;
};

static NOINLINE u32 idle_step(Task *t, u32 x) { return t->a = t->a & 1 ? (t->a >> 1) ^ 0xd008 : t->a >> 1, x + (t->a & 1); }
static NOINLINE u32 idle_wants(const Task *t) { return t->left != 0; }
static NOINLINE u32 work_step(Task *t, u32 x) { return t->b += x, t->a = t->a * 5 + 1, t->b ^ t->a; }
static NOINLINE u32 work_wants(const Task *t) { return (t->a & 3) != 0; }
static NOINLINE u32 device_step(Task *t, u32 x) { return t->b = x, t->a++, t->a; }
static NOINLINE u32 device_wants(const Task *t) { return t->b != 0; }
static NOINLINE u32 handler_step(Task *t, u32 x) { return t->a = (t->a << 1) | (x & 1), x ^ (t->a & 0xff); }
static NOINLINE u32 handler_wants(const Task *t) { return (t->a & 0x11) != 0x11; }

static const Kind KINDS[4] = {
    {idle_step, idle_wants}, {work_step, work_wants}, {device_step, device_wants}, {handler_step, handler_wants}};

typedef struct Shape Shape;
struct Shape {
    u64 (*area)(const Shape *);
    u32 width, height;
};

static NOINLINE u64 square(const Shape *s) { return (u64)s->width * s->width; }
static NOINLINE u64 rectangle(const Shape *s) { return (u64)s->width * s->height; }
static NOINLINE u64 triangle(const Shape *s) { return (u64)s->width * s->height / 2; }

EXPORT("run") i64 run(i32 n) {
    static u64 (*const AREAS[3])(const Shape *) = {square, rectangle, triangle};
    static Task tasks[12];
    static Shape shapes[40];
    u64 sum = 0, state = 9;
    for (u32 i = 0; i < 12; i++) {
        u64 random = random_u64(&state);
        tasks[i] = (Task){&KINDS[random % 4], &tasks[(i + 1) % 12], (u32)random, (u32)(random >> 32), 1000};
    }
    for (u32 i = 0; i < 40; i++) {
        u64 random = random_u64(&state);
        shapes[i] = (Shape){AREAS[random % 3], (u32)random % 100, (u32)(random >> 32) % 100};
    }
    for (i32 i = 0; i < n; i++) {
        u32 x = (u32)i;
        Task *task = tasks;
        for (u32 k = 0; k < 60; k++) {
            if (task->kind->wants(task)) x = task->kind->step(task, x);
            task = task->next;
        }
        sum = mix(sum, x);
        u64 area = 0;
        for (u32 k = 0; k < 40; k++) area += shapes[k].area(&shapes[k]);
        sum = mix(sum, area);
        shapes[i % 40].width = x % 100;
    }
    return (i64)sum;
}
