// Throws and catches: how long that takes, and whether destructors run on the way.
//
//     throws [ROUNDS]
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

static int unwound;

struct Guard {
    ~Guard() { unwound++; }
};

[[gnu::noinline]] static int deep(int frames, int round) {
    Guard guard;
    if (frames > 0) {
        return deep(frames - 1, round) + 1;
    }
    if (round % 1000 != 0) {
        throw std::runtime_error("round " + std::to_string(round));
    }
    return 1;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 10000;
    int caught = 0;
    long sum = 0;
    for (int round = 0; round < rounds; round++) {
        try {
            sum += deep(10, round);
        } catch (const std::exception &error) {
            caught++;
            sum += std::strtol(error.what() + 6, nullptr, 10);
        }
    }
    std::printf("%d of %d rounds threw, %d frames were left, sum %ld\n", caught, rounds, unwound, sum);
}
