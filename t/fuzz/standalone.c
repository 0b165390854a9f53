/*
 * Runs a fuzz target as a test: over each file of its corpus, and over the beginnings of each.
 * Owns the copy of each input, of exactly its size, so that a sanitizer sees a read past its end.
 *
 * The corpus is t/fuzz/corpus/NAME for a program called NAME; arguments name files instead, so
 * that an input which a fuzzer found can be looked at in a debugger.
 */
#include "t/unit/tap.h"

#include <dirent.h>
#include <sys/stat.h>

/* Most mistakes of a parser are near the start, and all lengths of a large seed take long. */
enum { BEGINNINGS = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_input(const char *bytes, size_t len)
{
    uint8_t *const copy = malloc(len > 0 ? len : 1);

    if (!copy)
        abort();
    memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(len > 0 ? copy : copy + 1, len);
    free(copy);
}

/* The bytes of a file, for free(); NULL: it cannot be read. */
static char *read_file(const char *path, size_t *len)
{
    FILE *const file = fopen(path, "rb");
    struct stat st;
    char *bytes = NULL;

    if (file && fstat(fileno(file), &st) == 0 && st.st_size >= 0) {
        bytes = malloc((size_t)st.st_size + 1);
        *len = bytes ? fread(bytes, 1, (size_t)st.st_size, file) : 0;
    }
    if (file)
        fclose(file);
    return bytes;
}

static void run_file(const char *path)
{
    size_t len = 0;
    char *const bytes = read_file(path, &len);

    if (ok(bytes != NULL, "%s is read", path)) {
        for (size_t part = 0; part < len && part < BEGINNINGS; part++)
            run_input(bytes, part);
        run_input(bytes, len);
        ok(true, "%s and its beginnings, %zu bytes", path, len);
    }
    free(bytes);
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_corpus(const char *program)
{
    const char *const slash = strrchr(program, '/');
    struct dirent **seeds = NULL;
    char path[4096];
    int directory, count;

    directory = snprintf(path, sizeof(path), "t/fuzz/corpus/%s/", slash ? slash + 1 : program);
    count = scandir(path, &seeds, is_seed, alphasort);
    ok(count > 0, "%s has seeds", path);
    for (int i = 0; i < count; i++) {
        snprintf(path + directory, sizeof(path) - (size_t)directory, "%s", seeds[i]->d_name);
        run_file(path);
        free(seeds[i]);
    }
    free(seeds);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc < 2)
        run_corpus(argv[0]);
    return done_testing();
}
