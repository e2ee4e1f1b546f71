/* A checksum and a sort: enough for each of the compiler's passes to have something to do. */
unsigned checksum(const unsigned char *bytes, unsigned length) {
    unsigned sum = 1;
    for (unsigned i = 0; i < length; i++)
        for (unsigned bit = 0; bit < 8; bit++)
            sum = (sum >> 1) ^ (((sum ^ (bytes[i] >> bit)) & 1) ? 0xa001 : 0);
    return sum;
}

void sort(int *numbers, int count) {
    for (int gap = count / 2; gap > 0; gap /= 2)
        for (int i = gap; i < count; i++) {
            int moved = numbers[i], j = i;
            for (; j >= gap && numbers[j - gap] > moved; j -= gap)
                numbers[j] = numbers[j - gap];
            numbers[j] = moved;
        }
}

long mix(long a, long b, int kind) {
    switch (kind) {
    case 0: return a * b + (a >> 3);
    case 1: return (a ^ b) - (b << 2);
    case 2: return a > b ? a % (b | 1) : b / (a | 1);
    default: return checksum((const unsigned char *)&a, sizeof a) + b;
    }
}
