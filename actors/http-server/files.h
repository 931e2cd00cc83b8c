/* files.h - files below Root=, by sendfile. */
#ifndef HTTPSERVER_FILES_H
#define HTTPSERVER_FILES_H

#include "exchange.h"

/* Answer a GET or HEAD of a path, as it stands in the request. Nothing whose name begins with a
 * dot, nothing that is no regular file, and nothing outside of Root= by whatever way is
 * served: NotFound. */
void files_serve(struct exchange *exchange, const char *path);

#endif
