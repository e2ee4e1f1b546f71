/* Counts lines, words and bytes: of the files named, or of standard input. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct counts {
    unsigned long lines, words, bytes;
};

/* Returns 0, or the errno of the failed read. */
static int count(FILE *in, struct counts *out) {
    static unsigned char buffer[16384];
    int in_word = 0;
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, in)) > 0) {
        out->bytes += got;
        for (size_t i = 0; i < got; i++) {
            unsigned char c = buffer[i];
            int space = c == ' ' || (c >= '\t' && c <= '\r');
            out->lines += c == '\n';
            out->words += !space && !in_word;
            in_word = !space;
        }
    }
    return ferror(in) ? errno : 0;
}

static void print(const struct counts *c, const char *name) {
    printf("%7lu %7lu %7lu%s%s\n", c->lines, c->words, c->bytes, name ? " " : "", name ? name : "");
}

static int complain(const char *name, int error) {
    fprintf(stderr, "wc: %s: %s\n", name, strerror(error));
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        struct counts c = {0};
        int error = count(stdin, &c);
        if (error) return complain("standard input", error);
        print(&c, NULL);
        return 0;
    }
    struct counts total = {0};
    int status = 0;
    for (int i = 1; i < argc; i++) {
        FILE *in = fopen(argv[i], "rb");
        if (!in) {
            status = complain(argv[i], errno);
            continue;
        }
        struct counts c = {0};
        int error = count(in, &c);
        fclose(in);
        if (error) {
            status = complain(argv[i], error);
            continue;
        }
        print(&c, argv[i]);
        total.lines += c.lines;
        total.words += c.words;
        total.bytes += c.bytes;
    }
    if (argc > 2) print(&total, "total");
    return status;
}
