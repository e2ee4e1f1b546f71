/* Assertions that stay in release builds. */
#ifndef CHECK_H
#define CHECK_H

#include <dunlin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

/* There is no error. */
static inline void ok_(dunlin_error_t *error, const char *file, int line) {
    if (error) {
        wasm_name_t message;
        dunlin_error_message(error, &message);
        fprintf(stderr, "%s:%d: %.*s\n", file, line, (int)message.size, message.data);
        exit(1);
    }
}
#define OK(call) ok_(call, __FILE__, __LINE__)

/* There is an error with this code, whose message has this text. */
static inline void fails_(dunlin_error_t *error, int code, const char *text, const char *file, int line) {
    if (!error) {
        fprintf(stderr, "%s:%d: no error\n", file, line);
        exit(1);
    }
    wasm_name_t message;
    dunlin_error_message(error, &message);
    char *copy = calloc(message.size + 1, 1);
    memcpy(copy, message.data, message.size);
    if (dunlin_error_code(error) != code || !strstr(copy, text)) {
        fprintf(stderr, "%s:%d: code %d, not %d: %s\n", file, line, dunlin_error_code(error), code, copy);
        exit(1);
    }
    free(copy);
    wasm_name_delete(&message);
    dunlin_error_delete(error);
}
#define FAILS(call, code, text) fails_(call, code, text, __FILE__, __LINE__)

static inline void read_file(const char *folder, const char *name, wasm_byte_vec_t *out) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    CHECK(file);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    wasm_byte_vec_new_uninitialized(out, (size_t)ftell(file));
    rewind(file);
    CHECK(fread(out->data, 1, out->size, file) == out->size);
    fclose(file);
}

#endif
