/*
 * The lines of one log file in one worker: they wait in a buffer and leave in one write.
 *
 *     struct log_file (the generation's)      struct log_writer (a worker's)
 *       path, slot, size, flush, level  <----   at [ line line line ...... ]
 *                                                 full, the turn's end, or `flush` later
 *                                               -> the descriptor behind the slot
 *
 * Without a size given by configuration a line waits for the end of its turn at most, so what a
 * killed worker loses are the lines of one turn.  With one it waits until that many bytes are there
 * or `flush` is over.  With a level the bytes are packed as they come, and what is written is a
 * member of a gzip file each time.  Before another file is behind the slot, what waits is written
 * to the old one.
 *
 * Nothing here waits: of a pipe that is full the lines stay, as many as fit, and the others are
 * lost; what a file does not take is lost.  Either is said once a second at most.
 */
#ifndef EVENT_LOG_WRITER_H
#define EVENT_LOG_WRITER_H

#include "core/fmt.h"
#include "core/handle.h"
#include "event/loop.h"

struct deflate;

struct log_file {                       /* as configured, once for each path */
    struct log_file *next;
    struct str path;
    unsigned slot;
    unsigned index;                     /* whoever lists them */
    size_t size;                        /* buffer=; 0: none */
    int64_t flush;                      /* milliseconds; 0: none */
    unsigned level;                     /* of gzip; 0: plain */
};

struct log_writer {
    const struct log_file *file;
    struct loop *loop;
    struct task task;                   /* of the turn's end */
    struct timer timer;                 /* `flush`, or the next try of a pipe that was full */
    struct handle_watch watch;
    char *at;                           /* NULL: nothing was logged yet */
    size_t len, size;
    bool known, pieces;                 /* whether it is a pipe: lines leave one by one then */
    int64_t complained;                 /* second of the last complaint; -1: none */
    struct deflate *packer;             /* of the member that is being made */
    struct pool pool;
    struct fmt packed;
    size_t taken;                       /* bytes in it, before they were packed */
};

/* False: no memory. */
bool log_writer_init(struct log_writer *w, struct loop *loop, const struct log_file *file);
void log_writer_free(struct log_writer *w);     /* writes what waits; all zeros are fine */

/* A builder over the room that is left, for one line with its newline; log_writer_end takes what
 * was built.  When it has failed (there was no room), log_writer_add adds the line from elsewhere,
 * of any length. */
void log_writer_begin(struct log_writer *w, struct fmt *f);
void log_writer_end(struct log_writer *w, const struct fmt *f);
void log_writer_add(struct log_writer *w, struct str line);

void log_writer_flush(struct log_writer *w);

/* "write() to ... failed" in the log of the process, unless it was said in this second. */
void log_writer_complain(int64_t *complained, const struct loop *loop, int error, struct str path);

#endif
