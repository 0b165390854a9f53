/*
 * Unit test of core/file_tree.c: trees in a folder of its own, links, and what cannot be.
 * Owns that folder.
 */
#include "core/file_tree.c"
#include "t/unit/tap.h"

#include <sys/time.h>

static char top[64];

static const char *at(const char *name)
{
    static char paths[4][4096];
    static unsigned next;
    struct fmt f;
    char *path = paths[next++ % countof(paths)];
    fmt_init(&f, path, sizeof(paths[0]));
    fmt_print(&f, "%s/%s", top, name);
    fmt_done(&f);
    return path;
}

static void make_file(const char *name, const char *text, mode_t mode)
{
    const int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    ok(fd >= 0 && file_tree_write(fd, str_from(text)) && fchmod(fd, mode) == 0, "made %s", name);
    close(fd);
}

static void is_text(const char *name, const char *want)
{
    char text[64];
    const int fd = open(at(name), O_RDONLY);
    const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
    is_mem(text, (size_t)n, want, strlen(want), "text of %s", name);
    close(fd);
}

static bool is_there(const char *name)
{
    struct stat st;
    return lstat(at(name), &st) == 0;
}

static void test_copy(void)
{
    const struct timeval times[2] = { { 1000000000, 0 }, { 1000000001, 0 } };
    struct file_tree_failure failure;
    struct stat st;
    ok(file_tree_make_way(at("a/b/c/file"), 0700), "the way to a file");
    ok(file_tree_make_way(at("a/b/c/file"), 0700), "and again");
    make_file("a/x", "text of x", 0640);
    make_file("a/b/c/y", "", 0604);
    make_file("outside", "outside", 0600);
    ok(utimes(at("a/x"), times) == 0, "a time");
    ok(symlink("../outside", at("a/link")) == 0 && symlink(".", at("a/b/loop")) == 0
       && symlink("none", at("a/broken")) == 0, "links");
    ok(file_tree_copy(at("a"), at("copy"), &failure), "copied");
    is_text("copy/x", "text of x");
    ok(stat(at("copy/x"), &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_mtime == 1000000001,
       "mode and time");
    ok(stat(at("copy/b/c/y"), &st) == 0 && (st.st_mode & 07777) == 0604 && st.st_size == 0,
       "an empty file");
    ok(lstat(at("copy/link"), &st) == 0 && S_ISLNK(st.st_mode), "a link stays one");
    ok(lstat(at("copy/b/loop"), &st) == 0 && S_ISLNK(st.st_mode), "also to a folder");
    ok(is_there("copy/broken"), "also to nowhere");
    ok(file_tree_copy(at("a"), at("a/b/inside"), &failure), "copied into itself");
    ok(is_there("a/b/inside/b/c/y") && !is_there("a/b/inside/b/inside"), "once");
    ok(file_tree_copy(at("a/link"), at("single"), &failure), "what a link leads to");
    is_text("single", "outside");
    ok(!file_tree_copy(at("a"), at("copy"), &failure) && failure.error == EEXIST
       && strcmp(failure.path, at("copy")) == 0, "never over what is there");
    ok(!file_tree_copy(at("none"), at("new"), &failure) && failure.error == ENOENT
       && strcmp(failure.path, at("none")) == 0, "nothing to copy");
    ok(!file_tree_copy(at("a"), at("none/new"), &failure) && failure.error == ENOENT
       && strcmp(failure.path, at("none/new")) == 0, "no folder to copy to");
    ok(mkfifo(at("a/b/pipe"), 0600) == 0, "a pipe");
    ok(!file_tree_copy(at("a"), at("new"), &failure) && failure.error == EINVAL
       && strcmp(failure.path, at("a/b/pipe")) == 0, "is not copied, nor waited for");
    ok(unlink(at("a/b/pipe")) == 0, "gone");
    ok(!file_tree_make_way(at("outside/a/b"), 0700) && errno == ENOTDIR, "a file on the way");
}

static void test_remove(void)
{
    struct file_tree_failure failure;
    ok(file_tree_remove(at("a/link"), &failure) && is_there("outside"), "a link alone");
    ok(file_tree_remove(at("copy/b/loop"), &failure) && is_there("copy/b/c"), "also to a folder");
    ok(file_tree_remove(at("single"), &failure) && !is_there("single"), "a file");
    ok(file_tree_remove(at("a"), &failure) && !is_there("a"), "a folder");
    ok(file_tree_remove(at("copy"), &failure) && !is_there("copy"), "another");
    is_text("outside", "outside");
    ok(!file_tree_remove(at("a"), &failure) && failure.error == ENOENT
       && strcmp(failure.call, "unlink()") == 0, "what is not there");
    ok(!file_tree_remove(at("outside/x"), &failure) && failure.error == ENOTDIR, "below a file");
}

/* As many levels as are allowed, and one more. */
static void test_depth(void)
{
    struct file_tree_failure failure;
    char way[4096];
    struct fmt f;
    fmt_init(&f, way, sizeof(way));
    fmt_print(&f, "%s/deep", top);
    for (unsigned i = 1; i < FILE_TREE_DEPTH; i++)
        fmt_text(&f, "/dd");
    fmt_text(&f, "/file");
    ok(file_tree_make_way(fmt_done(&f).at, 0700), "deep folders");
    ok(file_tree_copy(at("deep"), at("deep2"), &failure), "can be copied");
    ok(file_tree_remove(at("deep2"), &failure), "can be removed");
    ok(rename(at("deep"), at("deep3")) == 0 && mkdir(at("deep"), 0700) == 0
       && rename(at("deep3"), at("deep/dd")) == 0, "one more");
    ok(!file_tree_copy(at("deep"), at("deep2"), &failure) && failure.error == ENAMETOOLONG,
       "is too deep to copy");
    ok(!file_tree_remove(at("deep"), &failure) && failure.error == ENAMETOOLONG
       && strlen(failure.path) == sizeof(failure.path) - 1, "and to remove, which is told in part");
    ok(file_tree_remove(at("deep/dd"), &failure), "the one inside is not");
    ok(file_tree_remove(at("deep2"), &failure), "nor what was copied");
}

static void test_large(void)
{
    struct file_tree_failure failure;
    struct stat st;
    const int fd = open(at("large"), O_RDWR | O_CREAT | O_EXCL, 0600);
    static char block[100000];
    bool same = fd >= 0;
    for (unsigned i = 0; i < 30; i++) {
        memset(block, 'a' + (int)i % 26, sizeof(block));
        same = same && file_tree_write(fd, str_of(block, sizeof(block)));
    }
    ok(same, "a large file");
    const int by_hand = open(at("by-hand"), O_RDWR | O_CREAT | O_EXCL, 0600);
    ok(copy_by_hand(fd, by_hand), "copied by hand");
    ok(file_tree_copy(at("large"), at("large2"), &failure), "and by the kernel");
    ok(stat(at("large2"), &st) == 0 && st.st_size == 3000000, "all of it");
    ok(fstat(by_hand, &st) == 0 && st.st_size == 3000000, "all of it by hand");
    for (unsigned i = 0; i < 30 && same; i++)
        same = pread(by_hand, block, sizeof(block), i * 100000) == 100000
               && block[0] == 'a' + (int)i % 26 && block[99999] == block[0];
    ok(same, "in its order");
    const int full = open("/dev/full", O_WRONLY);
    ok(!file_tree_copy_bytes(fd, full) && errno == ENOSPC, "a disk that is full");
    close(full);
    close(by_hand);
    close(fd);
}

int main(void)
{
    struct file_tree_failure failure;
    struct fmt f;
    fmt_init(&f, top, sizeof(top));
    fmt_text(&f, "/tmp/file_tree.XXXXXX");
    fmt_done(&f);
    if (!mkdtemp(top))
        return 1;
    umask(022);
    test_copy();
    test_remove();
    test_depth();
    test_large();
    ok(file_tree_remove(top, &failure), "everything is removed");
    return done_testing();
}
