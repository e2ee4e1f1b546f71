// Counts the instructions that a program executes under qemu's user emulation, and writes their number to the file that
// QEMU_COUNT names:
//
//     cc -O2 -shared -fPIC targets/cross/count.c -o count.so
//     QEMU_COUNT=n.txt qemu-aarch64 -plugin ./count.so ./dunlin run hello.wasm
//
// QEMU's header for plugins isn't packaged everywhere: these are the declarations of version 1 of its interface that are used.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t plugin_id;
struct block;
enum operation { ADD };
typedef void translated(plugin_id, struct block *);
typedef void ended(plugin_id, void *);

size_t qemu_plugin_tb_n_insns(const struct block *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, enum operation, void *, uint64_t);
void qemu_plugin_register_atexit_cb(plugin_id, ended *, void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t executed;

static void count(plugin_id id, struct block *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &executed, qemu_plugin_tb_n_insns(block));
}

static void report(plugin_id id, void *unused) {
    (void)id, (void)unused;
    const char *path = getenv("QEMU_COUNT");
    FILE *file = path ? fopen(path, "w") : stderr;
    if (!file) return;
    fprintf(file, "%llu\n", (unsigned long long)executed);
    // Nothing else does: the process ends without its own exit.
    fflush(file);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
