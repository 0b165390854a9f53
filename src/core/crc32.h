/*
 * CRC-32, as in Ethernet and zip files: for hashes that others compute, too.
 * Owns nothing.
 */
#ifndef CORE_CRC32_H
#define CORE_CRC32_H

#include "core/str.h"

/* Of what `crc` is of, and this text behind it; 0: of nothing. */
uint32_t crc32_add(uint32_t crc, struct str s);

#endif
