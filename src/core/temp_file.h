/*
 * Temporary files: bodies too large for memory.
 *
 *     client_body_temp_path /var/tmp/weir 1 2;   ->   /var/tmp/weir/7/42/0000000427
 *
 * A file without a name needs no tidying up, so only one that somebody else shall open has one.
 * The folder is made when a configuration is loaded, for the user that workers run as.
 */
#ifndef CORE_TEMP_FILE_H
#define CORE_TEMP_FILE_H

#include "core/conf.h"

enum { TEMP_LEVELS = 3 };

struct temp_path {
    struct str path;
    unsigned levels[TEMP_LEVELS];       /* digits of each folder's name; 0: no such level */
};

struct temp_folder {                    /* of a generation */
    struct temp_folder *next;
    struct str path;
};

extern const struct conf_type conf_type_temp_path;      /* struct temp_path: path [levels] */

/* Makes the folders that are not there, for the workers' user.  False: reported. */
bool temp_folders_make(struct conf *cf);

/* A descriptor open for reading and writing; -1: errno.  With `named`, *name is the file's. */
int temp_file_open(const struct temp_path *temp, bool named, struct pool *pool, struct str *name);

#endif
