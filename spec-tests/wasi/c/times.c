// Clocks, sleeping and waiting through the C library.
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock) {
    struct timespec time;
    assert(clock_gettime(clock, &time) == 0);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void) {
    struct timespec resolution, span = {0, 30000000};
    assert(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_nsec > 0);
    assert(time(NULL) > 1600000000 && now(CLOCK_REALTIME) / 1000000000 - time(NULL) <= 1);
    long long before = now(CLOCK_MONOTONIC);
    assert(nanosleep(&span, NULL) == 0);
    assert(now(CLOCK_MONOTONIC) - before >= 30000000);
    before = now(CLOCK_MONOTONIC);
    assert(poll(NULL, 0, 30) == 0 || errno == ENOTSUP);
    int fd = open("fs-tests.dir/read.me", O_RDONLY);
    assert(fd >= 0);
    struct pollfd polled = {fd, POLLIN, 0};
    assert(poll(&polled, 1, 5000) == 1 && polled.revents & POLLIN);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    struct timeval limit = {5, 0};
    assert(select(fd + 1, &set, NULL, NULL, &limit) == 1 && FD_ISSET(fd, &set));
    assert(now(CLOCK_MONOTONIC) - before < 4000000000LL);
    assert(close(fd) == 0);
    return 0;
}
