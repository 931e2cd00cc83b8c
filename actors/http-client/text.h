/* text.h - what bytes are text: UTF-8, and how Latin becomes it. No state. */
#ifndef HTTP_CLIENT_TEXT_H
#define HTTP_CLIENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is UTF-8 without a NUL. */
bool text_is_utf8(const void *data, size_t size);

/* Write bytes of Windows 1252, of which ISO 8859-1 and ASCII are parts as the web uses them, as
 * UTF-8: at most three bytes for each. A NUL becomes U+FFFD. Returns the bytes written; with
 * `to` NULL only counts them. */
size_t text_from_latin(const void *data, size_t size, char *to);

/* Whether that is what the charset of a Content-Type says. NULL: no. */
bool text_is_latin(const char *content_type);

#endif
