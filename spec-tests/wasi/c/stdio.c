// Files through the C library's streams: modes, positions, ungetc, errors.
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "fs-tests.dir/stdio.cleanup"

static void contents(const char *expected) {
    char buf[64] = {0};
    FILE *file = fopen(NAME, "r");
    assert(file);
    size_t length = fread(buf, 1, sizeof buf - 1, file);
    assert(length == strlen(expected) && strcmp(buf, expected) == 0);
    assert(feof(file) && !ferror(file));
    assert(fclose(file) == 0);
}

int main(void) {
    assert(fopen(NAME, "r") == NULL && errno == ENOENT);
    FILE *file = fopen(NAME, "w");
    assert(file && fprintf(file, "%s %d\n", "line", 1) == 7);
    assert(ftell(file) == 7);
    assert(fclose(file) == 0);
    contents("line 1\n");
    file = fopen(NAME, "a+");
    assert(file && fputs("line 2\n", file) >= 0 && fflush(file) == 0);
    rewind(file);
    char line[16];
    assert(fgets(line, sizeof line, file) && strcmp(line, "line 1\n") == 0);
    assert(ungetc('x', file) == 'x' && fgetc(file) == 'x' && fgetc(file) == 'l');
    assert(fseek(file, -2, SEEK_END) == 0 && fgetc(file) == '2');
    assert(fputs("line 3\n", file) >= 0 && fclose(file) == 0);
    contents("line 1\nline 2\nline 3\n");
    file = fopen(NAME, "r+");
    assert(file && fseek(file, 5, SEEK_SET) == 0 && fputc('9', file) == '9' && fclose(file) == 0);
    contents("line 9\nline 2\nline 3\n");
    assert(truncate(NAME, 4) == 0);
    contents("line");
    assert(fopen(NAME, "wx") == NULL && errno == EEXIST);
    file = fopen(NAME, "r");
    assert(file && fputc('x', file) == EOF && ferror(file) && fclose(file) == 0);
    assert(rename(NAME, NAME "2") == 0 && access(NAME, F_OK) == -1 && errno == ENOENT);
    assert(access(NAME "2", R_OK | W_OK) == 0);
    assert(remove(NAME "2") == 0);
    assert(fopen("fs-tests.dir", "w") == NULL && errno == EISDIR);
    assert(fopen("elsewhere/file", "r") == NULL && errno == ENOTCAPABLE);
    assert(fopen("fs-tests.dir/../file", "r") == NULL && errno == EPERM);
    assert(puts("done") >= 0);
    return 0;
}
