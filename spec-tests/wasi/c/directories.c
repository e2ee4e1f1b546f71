// Directories through the C library: listing, seeking, links, attributes.
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "fs-tests.dir/directories.cleanup"

int main(void) {
    char name[64];
    assert(mkdir(ROOT, 0755) == 0);
    assert(mkdir(ROOT, 0755) == -1 && errno == EEXIST);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, ROOT "/file%03d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        assert(fd >= 0 && write(fd, name, i) == i && close(fd) == 0);
    }
    DIR *dir = opendir(ROOT);
    assert(dir);
    char seen[200] = {0};
    int count = 0;
    long middle = -1;
    char after[64] = "";
    for (struct dirent *entry; (entry = readdir(dir)); count++) {
        int i;
        if (middle >= 0 && !after[0]) {
            strcpy(after, entry->d_name);
        }
        if (sscanf(entry->d_name, "file%d", &i) == 1) {
            assert(entry->d_type == DT_REG && !seen[i]);
            seen[i] = 1;
        } else {
            assert(entry->d_type == DT_DIR && entry->d_name[0] == '.');
        }
        if (count == 100) {
            middle = telldir(dir);
        }
    }
    assert(count == 202);
    seekdir(dir, middle);
    assert(strcmp(readdir(dir)->d_name, after) == 0);
    rewinddir(dir);
    for (count = 0; readdir(dir); count++) {
    }
    assert(count == 202 && closedir(dir) == 0);
    struct stat a, b;
    assert(stat(ROOT "/file007", &a) == 0 && S_ISREG(a.st_mode) && a.st_size == 7 && a.st_nlink == 1);
    assert(link(ROOT "/file007", ROOT "/other") == 0 && stat(ROOT "/other", &b) == 0);
    assert(a.st_ino == b.st_ino && b.st_nlink == 2 && unlink(ROOT "/other") == 0);
    assert(symlink("file008", ROOT "/link") == 0);
    assert(lstat(ROOT "/link", &a) == 0 && S_ISLNK(a.st_mode));
    assert(stat(ROOT "/link", &a) == 0 && S_ISREG(a.st_mode) && a.st_size == 8);
    char target[16];
    assert(readlink(ROOT "/link", target, sizeof target) == 7 && memcmp(target, "file008", 7) == 0);
    struct timespec times[2] = {{1000, 5}, {2000, 6}};
    assert(utimensat(AT_FDCWD, ROOT "/link", times, 0) == 0);
    assert(stat(ROOT "/file008", &a) == 0 && a.st_mtim.tv_sec == 2000 && a.st_mtim.tv_nsec == 6);
    assert(unlink(ROOT "/link") == 0);
    assert(rmdir(ROOT) == -1 && errno == ENOTEMPTY);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, ROOT "/file%03d", i);
        assert(unlink(name) == 0);
    }
    assert(rmdir(ROOT) == 0 && rmdir(ROOT) == -1 && errno == ENOENT);
    return 0;
}
