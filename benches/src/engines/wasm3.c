// The worker (see worker.rs) for wasm3, which is built from its C sources together with this file.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "m3_env.h"
#include "wasm3.h"

static long long cpu_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

// A field of /proc/self/status, in KiB.
static long status(const char *field) {
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field))) value = atol(line + strlen(field));
    if (file) fclose(file);
    return value;
}

static IM3Function function;
static long base;

static const char *load(const char *path, const char *export) {
    static char message[128];
    FILE *file = fopen(path, "rb");
    if (!file) return "cannot open the module";
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc((size_t)size);
    if (fread(bytes, 1, (size_t)size, file) != (size_t)size) return "cannot read the module";
    fclose(file);
    base = status("VmRSS:");

    long long start = cpu_time();
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, 1 << 20, NULL);
    IM3Module module;
    M3Result result = m3_ParseModule(environment, &module, bytes, (uint32_t)size);
    if (!result) result = m3_LoadModule(runtime, module);
    if (!result) result = m3_FindFunction(&function, runtime, export);
    if (result) {
        M3ErrorInfo info;
        m3_GetErrorInfo(runtime, &info);
        snprintf(message, sizeof message, "%s %s", result, info.message ? info.message : "");
        return message;
    }
    printf("ok %lld\n", cpu_time() - start);
    return NULL;
}

int main(void) {
    char line[4096], path[4096], export[64];
    while (fgets(line, sizeof line, stdin)) {
        const char *error = NULL;
        int argument;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "load %63s %4095[^\n]", export, path) == 2) {
            error = load(path, export);
        } else if (sscanf(line, "run %d", &argument) == 1) {
            int64_t value = 0;
            long long start = cpu_time();
            M3Result result = m3_CallV(function, argument);
            if (!result) result = m3_GetResultsV(function, &value);
            if (result)
                error = result;
            else
                printf("ok %lld %lld\n", (long long)value, cpu_time() - start);
        } else if (!strcmp(line, "memory")) {
            printf("ok %ld %ld\n", status("VmHWM:"), base);
        } else {
            error = "unknown request";
        }
        if (error) printf("error %s\n", error);
        fflush(stdout);
    }
    return 0;
}
