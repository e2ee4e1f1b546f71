/* Makes a binary module of a text: assemble TEXT BINARY */
#include "../check.h"

int main(int argc, char **argv) {
    CHECK(argc == 3);
    wasm_byte_vec_t text, binary;
    read_file(".", argv[1], &text);
    OK(dunlin_wat2wasm(text.data, text.size, &binary));
    FILE *file = fopen(argv[2], "wb");
    CHECK(file && fwrite(binary.data, 1, binary.size, file) == binary.size && fclose(file) == 0);
    wasm_byte_vec_delete(&text);
    wasm_byte_vec_delete(&binary);
    return 0;
}
