/*
 * Who may do what with files that the server makes: dav_access, proxy_store_access and such.
 *
 *     "user:rw group:r"  ->  0640        as a folder's mode: 0750
 */
#ifndef HTTP_STORE_ACCESS_H
#define HTTP_STORE_ACCESS_H

#include "core/conf.h"

extern const struct conf_type http_type_store_access;   /* unsigned */

/* Who reads or writes a folder has to search it, too. */
unsigned store_access_folder(unsigned mode);

#endif
