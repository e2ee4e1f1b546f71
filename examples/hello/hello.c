/* Greets whoever the arguments name, or the world. */
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        puts("Hello, world!");
        return 0;
    }
    printf("Hello, ");
    for (int i = 1; i < argc; i++) {
        const char *after = i + 1 == argc ? "!\n" : i + 2 == argc ? " and " : ", ";
        printf("%s%s", argv[i], after);
    }
    return 0;
}
