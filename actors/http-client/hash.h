/* hash.h - uthash, set up to return when there is no memory: what was not added has tbl NULL
 * in its handle. */
#ifndef HTTP_CLIENT_HASH_H
#define HTTP_CLIENT_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#endif
